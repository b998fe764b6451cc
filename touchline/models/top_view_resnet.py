"""The ResNet-34 that describes top views, as the published network with calibration reads them.

Cioppa et al., CVPR Workshops 2021: trained on ImageNet, without its classifier.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import timm
import torch
from PIL import Image
from torch import Tensor, nn

from touchline.errors import CheckpointError

TIMM_NAME = "resnet34"
IMAGENET_TAG = "tv_in1k"
WIDTH = 512

_ENLARGED = (512, 256)
_SIDE = 224
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class TopViewResNet(nn.Module):
    """Top views to vectors.

    Args:
        pretrained: start from ImageNet weights (downloads them).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, pretrained: bool = False) -> None:
        super().__init__()
        name = f"{TIMM_NAME}.{IMAGENET_TAG}" if pretrained else TIMM_NAME
        self.network = timm.create_model(name, pretrained=pretrained, num_classes=0)
        shape = (1, 3, 1, 1)
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(shape), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).reshape(shape), persistent=False)

    def load_imagenet(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a ResNet-34 under their usual names; a classifier is passed over.

        Raises:
            CheckpointError: entries missing, left over or of other shapes.
        """
        own = {key: value for key, value in weights.items() if not key.startswith("fc.")}
        try:
            self.network.load_state_dict(own, strict=True)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(f"not the weights of a ResNet-34 ({reason})") from error

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 224, 224, 3) uint8 -> (N, 512)."""
        scaled = pictures.permute(0, 3, 1, 2).to(self.mean.dtype) / 255
        return self.network((scaled - self.mean) / self.deviation)


def enlarge(view: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(3, 32, 64) top view to the (224, 224, 3) picture of its middle that the network sees.

    As published: enlarged to a height of 256, of which the middle 224 by 224 stay.
    """
    picture = Image.fromarray(np.ascontiguousarray(view.transpose(1, 2, 0)), "RGB")
    width, height = _ENLARGED
    left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
    enlarged = picture.resize(_ENLARGED, Image.Resampling.BILINEAR)
    return np.asarray(enlarged.crop((left, top, left + _SIDE, top + _SIDE)))
