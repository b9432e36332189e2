"""What made the files of data/ that were computed: data, schedule and writing.

    python -m u3lab.experiments               # lists them
    python -m u3lab.experiments NAME          # writes into data/; data/README.md names the command of each file
    python -m u3lab.experiments NAME --short  # a few steps on shipped pictures, into a new folder: proves the form

Training loops live in the chapters. Nothing imports an experiment, except its test.
"""
