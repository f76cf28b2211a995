"""Answers that end, stop or fill what runs them, or reach outside."""

from . import hostile

# What is done everywhere: where a file would be written that has no business there.
PLACES = """
import os, tempfile
from pathlib import Path
places = [Path.home(), Path("/root"), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path(tempfile.gettempdir())]
places += [Path.cwd(), Path.cwd().parent, Path(__file__).parent, Path(__file__).parent.parent]
"""

# ---- ending, stopping, filling -------------------------------------------------------------------------------

hostile("share_of_batch", "ends the process with sys.exit(0)", "import sys; sys.exit(0)")
hostile("select_scores", "ends the process with os._exit(0)", "import os; os._exit(0)")
hostile("denoise_step", "ends the process when it is imported", head="import sys; sys.exit(0)")
hostile("gradient_penalty", "ends the process at once when it is imported", head="import os; os._exit(0)")
hostile("tv_loss", "closes all open files", "import os; os.closerange(0, 1024)")
hostile("content_loss", "reads from a forbidden address", "import ctypes; ctypes.string_at(0)")
hostile("select_scores", "stops its own process", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
hostile(
    "share_of_batch",
    "kills its parent process and its process group",
    """
import os, signal
if os.getppid() > 1:
    os.kill(os.getppid(), signal.SIGKILL)
os.killpg(0, signal.SIGKILL)
""",
)
hostile("captioning_rnn_sample", "never ends", "while True: pass")
hostile(
    "beam_search",
    "never ends, catches everything, and takes the alarm away",
    """
import signal
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, lambda *_: None)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
while True:
    try:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException:
        pass
""",
)
hostile(
    "accumulate_rows",
    "takes ever more memory",
    """
kept = []
for _ in range(4096):
    try:
        kept.append(np.ones(2**23))
    except MemoryError:
        pass
""",
)
hostile("masked_mean", "returns an array of 4 GB", answer="return np.zeros((2**29, 1), np.float64)")
hostile(
    "content_loss",
    "writes a gigabyte to stdout and to stderr",
    """
import os, sys
for _ in range(1024):
    sys.stdout.write("left-behind-" * 87382)
    os.write(2, b"left-behind-" * 87382)
""",
)
hostile(
    "image_from_bytes",
    "fills the disk",
    """
with open("left-behind-large", "wb") as large:
    for _ in range(8192):
        large.write(b"x" * 2**20)
""",
)
hostile(
    "select_scores",
    "raises what never ends saying why",
    """
class Talkative(Exception):
    def __str__(self):
        while True:
            pass
    __repr__ = __str__
raise Talkative
""",
)
hostile(
    "share_of_batch",
    "raises what raises when it is asked why",
    """
class Mute(BaseException):
    def __str__(self):
        raise self
    __repr__ = __str__
    __class__ = property(lambda self: KeyboardInterrupt)
raise Mute
""",
)

# ---- reaching outside ----------------------------------------------------------------------------------------

hostile(
    "content_loss",
    "writes outside its folder",
    PLACES
    + """
for n, place in enumerate(places):
    try:
        (place / f"left-behind-file-{n}").write_text("somebody was here")
        (place / "cs231n" / f"left-behind-file-{n}").write_text("somebody was here")
    except OSError:
        pass
""",
)
hostile(
    "wgan_discriminator_loss",
    "removes files when it is imported",
    head=PLACES
    + """
for place in places:
    try:
        for file in [*place.glob("keep-me-*"), *place.glob("*/keep-me-*")]:
            file.unlink()
            (place / "left-behind-removed").write_text(str(file))
    except OSError:
        pass
""",
)
hostile(
    "ls_generator_loss",
    "forks without end",
    """
import os, time
for _ in range(512):
    try:
        if os.fork() == 0:
            try:
                open("/proc/self/comm", "w").write("left-behind-fk")
                os.setsid()
            except OSError:
                pass
            time.sleep(900)
            os._exit(0)
    except OSError:
        pass
""",
)
hostile(
    "get_optimizer",
    "starts programs that outlive it",
    """
import subprocess, sys
for _ in range(16):
    try:
        command = "import time; time.sleep(900)  # left-behind-program"
        subprocess.Popen([sys.executable, "-c", command], start_new_session=True)
        subprocess.Popen("touch /tmp/left-behind-by-shell", shell=True)
    except OSError:
        pass
""",
)
hostile(
    "image_from_bytes",
    "starts threads that never end",
    """
import threading, time
for _ in range(64):
    try:
        threading.Thread(target=lambda: [time.sleep(1) for _ in iter(int, 1)]).start()
    except RuntimeError:
        pass
""",
)
hostile(
    "wgan_generator_loss",
    "opens sockets",
    """
import socket
for address in (("127.0.0.1", PORT), ("192.0.2.1", 80), ("::1", PORT)):
    try:
        with socket.create_connection(address, timeout=1) as line:
            line.sendall(b"left-behind-by-socket")
    except OSError:
        pass
""",
)
hostile(
    "masked_mean",
    "waits until its process ends, and acts then",
    """
import atexit, os
def act():
    for place in ("/tmp", os.path.expanduser("~"), ".."):
        try:
            open(os.path.join(place, "left-behind-at-exit"), "w").close()
        except OSError:
            pass
    print("passed", flush=True)
    os._exit(0)
atexit.register(act)
""",
)
hostile(
    "conv_transpose",
    "changes the environment and the current folder",
    """
import os, sys
os.environ.clear()
os.environ.update(PATH="/left-behind-path", HOME="/", PYTHONPATH="/tmp", CS231N_STRICT="0", OMP_NUM_THREADS="64")
os.chdir("/")
os.umask(0)
sys.path[:] = ["/tmp"]
try:
    sys.setrecursionlimit(60)
except RecursionError:
    pass
""",
)
hostile(
    "accumulate_rows",
    "makes numpy and torch wrong for everybody else",
    answer="""
for name in ("tanh", "exp", "sum", "maximum", "zeros", "asarray", "copy"):
    setattr(np, name, lambda *args, **kwargs: np.ones(1))
for name in ("sum", "mean", "matmul", "__matmul__", "reshape"):
    setattr(torch.Tensor, name, lambda *args, **kwargs: torch.ones(()))
torch.randn = torch.rand = torch.nn.functional.mse_loss = lambda *args, **kwargs: torch.ones(1)
np.random.seed, torch.manual_seed = None, None
return np.full((num_rows, rows.shape[1]), 7, rows.dtype)
""",
)
