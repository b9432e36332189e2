"""What made the files of data/ that were computed: data, schedule and writing.

    python -m u3lab.recipes.NAME              # writes into data/; data/README.md names the command of each file
    python -m u3lab.recipes.NAME --short      # a few steps on shipped pictures, into a new folder: proves the form only

Training loops and readers of results live in the chapters and lessons. Nothing imports a recipe, except its test.
"""
