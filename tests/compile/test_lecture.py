"""Snippets of introductory lectures, verbatim but for the import."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from .digits import digits

LINEAR_REGRESSION = """
import numpy as np
import gradwright as torch

torch.manual_seed(0)
X = torch.randn(100, 2)
true_w = torch.tensor([2.0, -3.4])
y = X @ true_w + 4.2 + 0.01 * torch.randn(100)

w = torch.randn(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
lr = 0.1
for epoch in range(100):
    y_hat = torch.matmul(X, w) + b
    loss = ((y_hat - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= lr * w.grad
        b -= lr * b.grad
        w.grad.zero_()
        b.grad.zero_()
    if epoch % 10 == 0:
        print(f'epoch {epoch + 1}, loss {loss.item():f}')
assert loss.item() < 1e-3
assert abs(w[0].item() - 2) < 0.01 and abs(b.item() - 4.2) < 0.01
"""

GRADIENT_DESCENT_ON_DATA = """
import gradwright as torch

x_data = torch.tensor([[1.0], [2.0], [3.0]])
y_data = torch.tensor([[2.0], [4.0], [6.0]])
w = torch.tensor([[1.0]], requires_grad=True)

def forward(x):
    return x * w

print("predict (before training)", 4, forward(4).item())
for epoch in range(50):
    for x, y in zip(x_data, y_data):
        l = ((forward(x) - y) ** 2).sum()
        l.backward()
        w.data -= 0.01 * w.grad
        w.grad.zero_()
    print("progress:", epoch, l.item())
assert abs(forward(4).item() - 8) < 1e-2
"""

SEQUENTIAL = """
import gradwright as torch
from gradwright import nn, optim

torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(784, 1024),
    nn.ReLU(),
    nn.Linear(1024, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
print(model)
loss_fn = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
X = torch.rand(64, 1, 28, 28)
y = torch.tensor([i % 10 for i in range(64)])
for t in range(5):
    pred = model(X.view(X.size(0), -1))
    loss = loss_fn(pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(t, loss.item())
logits = model(nn.Flatten()(X))
pred_probab = nn.Softmax(dim=1)(logits)
y_pred = pred_probab.argmax(1)
assert y_pred.shape == (64,)
assert abs(pred_probab.sum().item() - 64) < 1e-3
"""

MODULE_AND_LOOP = """
import gradwright as torch
from gradwright import nn, optim
import gradwright.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 64)
        self.bn1 = nn.BatchNorm1d(64)
        self.fc2 = nn.Linear(64, 10)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        x = F.relu(self.bn1(self.fc1(x)))
        x = self.dropout(x)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)

torch.manual_seed(0)
net = Net()
criterion = nn.NLLLoss()
optimizer = optim.Adam(net.parameters(), lr=0.005)

for epoch in range(3):
    net.train()
    running_loss = 0.0
    for i, data in enumerate(train_loader):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f'[{epoch + 1}] loss: {running_loss / (i + 1):.3f}')

net.eval()
correct = 0
total = 0
with torch.no_grad():
    for inputs, labels in test_loader:
        outputs = net(inputs)
        predicted = outputs.argmax(dim=1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
        batch_accuracy = (predicted == labels).float().mean().item()
print(f'Accuracy: {100 * correct // total} %')
assert correct / total > 0.85, correct / total
assert 0 <= batch_accuracy <= 1
assert not outputs.requires_grad
torch_state = net.state_dict()
net.load_state_dict(torch_state)
"""

AUTOGRAD = """
import gradwright as torch

a = torch.tensor([2., 3.], requires_grad=True)
b = torch.tensor([6., 4.], requires_grad=True)
Q = 3*a**3 - b**2
external_grad = torch.tensor([1., 1.])
Q.backward(gradient=external_grad)
assert (9*a**2 == a.grad).numpy().all()
assert (-2*b == b.grad).numpy().all()

x = torch.ones(5)
y = torch.zeros(3)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
loss.backward()
print(w.grad, b.grad, z.grad_fn)
z_det = z.detach()
assert not z_det.requires_grad
"""

SNIPPETS = {
    "linear regression from scratch": LINEAR_REGRESSION,
    "gradient descent on .data": GRADIENT_DESCENT_ON_DATA,
    "nn.Sequential": SEQUENTIAL,
    "class Net(nn.Module)": MODULE_AND_LOOP,
    "autograd": AUTOGRAD,
}


def loaders():
    import gradwright as gw

    x, y = digits()
    batches = [(gw.tensor(x[i : i + 64]), gw.tensor(y[i : i + 64])) for i in range(0, 1792, 64)]
    return batches[:22], batches[22:]


@pytest.mark.parametrize("snippet", SNIPPETS.values(), ids=SNIPPETS)
def test_the_snippet_runs(snippet):
    train_loader, test_loader = loaders()
    exec(
        compile(textwrap.dedent(snippet), "lecture.py", "exec"),
        {"train_loader": train_loader, "test_loader": test_loader},
    )


def test_the_same_snippet_in_pytorch_gives_the_same_numbers():
    """The regression of the lecture, once in each library, from the same start."""
    lines = LINEAR_REGRESSION.replace("torch.randn(100, 2)", "X0").replace("0.01 * torch.randn(100)", "E0")
    lines = lines.replace("torch.randn(2, requires_grad=True)", "torch.tensor([0.3, -0.1], requires_grad=True)")
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(100, 2)).astype(np.float32), (0.01 * rng.normal(size=100)).astype(np.float32)
    found = []
    for library in ("gradwright as torch", "torch"):
        names: dict = {}
        setup = "X0 = torch.tensor(x); E0 = torch.tensor(e)\n"
        source = lines.replace("gradwright as torch", library).replace("torch.manual_seed(0)\n", setup)
        exec(compile(source, "lecture.py", "exec"), names | {"x": x, "e": e}, names)
        found.append([names["loss"].item(), *names["w"].tolist(), names["b"].item()])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
