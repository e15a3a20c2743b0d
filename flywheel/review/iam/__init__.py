"""Who may do what: policies compared by what they mean, not by how they are written."""
