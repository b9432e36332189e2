"""How networks of chapters 1 to 3 are trained, by the loop of :func:`u3lab.descent.train`.

Files: ``batches`` (which pictures a step sees), ``loop`` (settings and rates that all have), ``tasks`` (what a question
is), ``learning`` (an encoder and a head that learn to answer).
"""
