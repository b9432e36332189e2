"""How networks of chapters 1 to 3 are trained: batches, the loop with its checkpoints, and questions to learn from.

Files: ``batches`` (which pictures a step sees), ``loop`` (settings, rates, steps, checkpoints), ``tasks`` (what a
question is), ``learning`` (an encoder and a head that learn to answer).
"""
