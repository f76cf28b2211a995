"""Where the real data comes from: every file that `./get_datasets.sh` fetches, with its size and checksum.

A checksum is "sha256:..." or "md5:...", whole or its first digits, as far as the origin or the course publishes it.
Where there is none, the one seen at the first fetch is recorded, and compared from then on.
"""

from dataclasses import dataclass

STANFORD = "https://cs231n.stanford.edu"
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
COMMONS = "https://commons.wikimedia.org/wiki/Special:FilePath"


@dataclass(frozen=True)
class Member:
    """A file in an archive: what it is called, its size in bytes, its checksum; optional ones may be absent."""

    name: str
    size: int | None
    checksum: str | None
    optional: bool = False
    most: int = 2**31  # bytes that it may unpack to where its size is not known


@dataclass(frozen=True)
class Source:
    """One file to fetch. file: where it goes, below the data folder, and where it lies below CS231N_MIRROR.

    members: of an archive, what is unpacked from it, into the folder named like it without .zip; it is then removed.
    """

    file: str
    url: str
    size: int | None = None
    checksum: str | None = None
    members: tuple = ()

    @property
    def results(self):
        """(path below the data folder, Member or Source) of each file that is there in the end."""
        folder = self.file.removesuffix(".zip")
        return [(f"{folder}/{m.name}", m) for m in self.members] or [(self.file, self)]


SOURCES = {
    "coco": (
        Source(
            "coco_captioning.zip",
            f"{STANFORD}/coco_captioning.zip",
            members=(
                Member("coco2014_captions.h5", 42_922_600, "sha256:4035d7ff"),
                Member("train2014_vgg16_fc7_pca.h5", 169_541_728, "sha256:ec0a10c5"),
                Member("val2014_vgg16_fc7_pca.h5", 82_954_336, "sha256:6619466e"),
                Member(
                    "coco2014_vocab.json",
                    24_226,
                    "sha256:0cf30d2a349e9d24df4c9b0fa3dca46ad69b05876595546fdd690559a8c8da53",
                ),
                Member("train2014_urls.txt", 5_186_859, "sha256:7616ec66"),
                Member(
                    "val2014_urls.txt",
                    2_538_571,
                    "sha256:760d7c76f78f46cc376390cc4d21126b040eb48d896bae00a5b21f46ef5a9818",
                ),
                Member("train2014_vgg16_fc7.h5", None, None, optional=True),
                Member("val2014_vgg16_fc7.h5", None, None, optional=True),
            ),
        ),
    ),
    "imagenet": (
        Source(
            "imagenet_val_25.npz",
            f"{STANFORD}/imagenet_val_25.npz",
            3_940_548,
            "sha256:35141609d22457c791e8fbe10c2d3b09ed0d6a04b669173e9fbebb0b4915cd3c",
        ),
    ),
    "squeezenet": (  # torch puts the first digits of the checksum into the name
        Source(
            "squeezenet1_1-b8a52dc0.pth",
            "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
            checksum="sha256:b8a52dc0",
        ),
    ),
    "mnist": tuple(
        Source(f"mnist/{name}", f"{MNIST}/{name}", size, f"md5:{md5}")
        for name, size, md5 in (
            ("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            ("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            ("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            ("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        )
    ),
    "styles": tuple(
        Source(f"styles/{name}.jpg", f"{COMMONS}/{file}?width=1280")
        for name, file in (
            ("starry_night", "Van_Gogh_-_Starry_Night_-_Google_Art_Project.jpg"),
            (
                "the_scream",
                "Edvard_Munch,_1893,_The_Scream,_oil,_tempera_and_pastel_on_cardboard,_91_x_73_cm,_"
                "National_Gallery_of_Norway.jpg",
            ),
            ("composition_vii", "Vassily_Kandinsky,_1913_-_Composition_7.jpg"),
        )
    ),
}

USED_BY = {
    "coco": "RNN, LSTM, extras: 123,287 photos' features with captions",
    "imagenet": "NetworkVisualization: 25 photos",
    "squeezenet": "NetworkVisualization, StyleTransfer: torchvision's weights",
    "mnist": "GANs, extras: 70,000 handwritten digits",
    "styles": "StyleTransfer: three paintings",
}
