"""The exercises of chapters 2, 2b and 2c, a file each: learning without labels; ambiguity; mutual information."""

from u3course.lessons.selfsup.exercises import ambiguity, information, pretexts

EXERCISES = {"2": pretexts.EXERCISES, "2b": ambiguity.EXERCISES, "2c": information.EXERCISES}
