"""The contracts in other notations: each made from the row models, so none can say anything else."""
