"""Read what an answer gave: as numpy arrays, with its gradients, or as the Wrong that says what its form lacks."""

from ..todo import Wrong
from .inputs import upstream


def kind_of(value):
    """What a value is, in words: "None" or "a list"."""
    return "None" if value is None else f"a {type(value).__name__}"


def tensors(*arrays):
    """Torch tensors of the same shapes and dtypes, which share the arrays' memory."""
    import torch

    return [torch.from_numpy(a) for a in arrays]


def array_of(name, value):
    """The numpy array of a tensor that an answer gave."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise Wrong(f"{name} must be a torch tensor, not {kind_of(value)}")
    return value.detach().cpu().numpy()


def attached(name, value):
    """The array of a tensor that must hang on its graph."""
    array = array_of(name, value)
    if not value.requires_grad:
        raise Wrong(f"no gradient flows back from {name}: .detach(), .data, numpy and torch.no_grad() cut the way")
    return array


def loss_and_gradients(name, loss, inputs):
    """{"loss": number} of the answer called name, and the loss's gradient for each of the tensors {label: input}."""
    import torch

    if not isinstance(loss, torch.Tensor):
        raise Wrong(f"{name} must return a torch tensor, so that a gradient can flow; it returned {kind_of(loss)}")
    if loss.numel() != 1:
        raise Wrong(f"{name} must return one number; it returned a tensor of shape {tuple(loss.shape)}")
    if not loss.requires_grad:
        raise Wrong(
            "no gradient flows from the loss back to its input: .item(), .detach(), .data, numpy and torch.no_grad() "
            "all cut the way"
        )
    return {"loss": loss.detach().reshape(()).numpy(), **_gradients(loss.reshape(()), inputs)}


def value_and_gradients(function_name, name, out, shape, inputs):
    """{name: value of the tensor out} and, where its shape is right, its gradient for each input {label: tensor}."""
    import torch

    if not isinstance(out, torch.Tensor):
        raise Wrong(f"{function_name} must return a torch tensor, not {type(out).__name__}")
    if not out.requires_grad:
        raise Wrong(
            f"no gradient flows from {function_name} back to its input: .item(), .detach(), .data, numpy and "
            "torch.no_grad() all cut the way"
        )
    return {name: out.detach().numpy(), **(_gradients(weighted_sum(out), inputs) if out.shape == shape else {})}


def weighted_sum(out):
    """One number made of a tensor, whose gradient for it is upstream(out.shape)."""
    import torch

    return (out * torch.from_numpy(upstream(out.shape)).to(out.dtype)).sum()


def _gradients(number, inputs):
    """{label: array} of the gradient for each of {label: tensor}; zeros where none flows."""
    import torch

    gradients = torch.autograd.grad(number, list(inputs.values()), allow_unused=True)
    pairs = zip(inputs.items(), gradients)
    return {label: (x.new_zeros(x.shape) if g is None else g).numpy() for (label, x), g in pairs}


def torch_calls():
    """A context that notes in `names` the torch operations called within it."""
    from torch.overrides import TorchFunctionMode

    class Calls(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.names = []

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.names.append(getattr(function, "__name__", ""))
            return function(*args, **(kwargs or {}))

    return Calls()
