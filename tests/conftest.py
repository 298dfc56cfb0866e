"""One torch thread a test process: the same bits everywhere, and workers that do not fight."""

import torch

torch.set_num_threads(1)
