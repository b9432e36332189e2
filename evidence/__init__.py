"""What made the files of data/ that were computed: data, schedule and writing.

    python -m evidence                  # lists them
    python -m evidence NAME             # makes its file anew, in a folder of the user's
    python -m evidence NAME --out data  # goes on with what ships; data/README.md names each file's command
    python -m evidence NAME --short     # a few steps, into a new folder: proves the form
    torchrun --nproc_per_node 4 -m evidence NAME  # four processes share the rows

A run that was stopped goes on with the rows that are not there yet.

Training loops live in the chapters. Nothing imports an experiment, except its test.
"""
