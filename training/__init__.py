"""How the shipped emotion model is made: corpora → splits → features → head → ONNX → figures (README.md)."""
