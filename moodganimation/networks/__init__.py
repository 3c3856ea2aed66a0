"""Networks: tensors in, tensors out; they know neither files nor people."""
