"""How networks of chapters 1 to 3 are trained, by the loop of :func:`u3lab.descent.train`.

Files: ``loop`` (settings and rates that all have, which pictures a step sees), ``tasks`` (what a question is),
``learning`` (an encoder and a head that learn to answer).
"""
