"""`boundaryclick segment`: the mask of one object of one image file."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.cli import Parser

EXAMPLE = """\
examples:
  boundaryclick segment photo.jpg --select 210,143 --out mask.png
  boundaryclick segment photo.jpg --select 210,143 --boundary 250.5,90 --out mask.png --overlay look.png
  boundaryclick segment photo.jpg --mask mask.png --boundary 250.5,90 --out better.png
"""


def add_parser(subparsers: "argparse._SubParsersAction[Parser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "segment",
        help="write the mask of one object of an image file",
        description="Segment one object. Points are image pixels; 0,0 is the centre of the top left pixel.",
        epilog=EXAMPLE,
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="photo")
    parser.add_argument("--select", type=point, metavar="X,Y", help="a point in the middle of the object")
    parser.add_argument(
        "--boundary",
        type=point,
        metavar="X,Y",
        action="append",
        default=[],
        help="a point on the object's outline, near an error; may be given again, in order",
    )
    parser.add_argument(
        "--mask", type=Path, help="a mask to repair (all that is not black); then without --select"
    )
    parser.add_argument("--out", type=Path, required=True, help="where to write the mask: PNG, 0 and 255")
    parser.add_argument("--overlay", type=Path, help="where to write the photo with mask and clicks")
    parser.add_argument("--weights", help="name of shipped weights, or path to a .safetensors file")
    parser.add_argument("--device", help="cpu, cuda, cuda:N or mps")
    parser.set_defaults(run=run)


def point(text: str) -> tuple[float, float]:
    """X,Y as two numbers; argparse reports the error."""
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected X,Y such as 210,143, got {text!r}") from None
    return x, y


def run(args: argparse.Namespace) -> int:
    """Segment and write; says in one line what came out."""
    from PIL import Image

    from backend.decoding import ImageLimits, decode_image, decode_mask
    from backend.overlay import draw_overlay
    from backend.settings import load_settings
    from model import Click, load_predictor

    settings = load_settings(weights=args.weights, device=args.device)
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
    clicks = [Click(args.select[0], args.select[1], "select")] if args.select else []
    clicks += [Click(x, y, "boundary") for x, y in args.boundary]
    image = decode_image(args.image.read_bytes(), limits)
    start = None if args.mask is None else decode_mask(args.mask.read_bytes(), limits)
    predictor = load_predictor(settings.weights, settings.device, settings.runtime, settings.threads)
    started = time.perf_counter()
    prediction = predictor.predict(image.pixels, clicks, start)
    milliseconds = (time.perf_counter() - started) * 1000
    Image.fromarray(prediction.mask).convert("L").save(args.out, "PNG")
    if args.overlay:
        Image.fromarray(draw_overlay(image.pixels, prediction.mask, clicks)).save(args.overlay, "PNG")
    print(
        f"{args.out}: {image.width} x {image.height}, object {prediction.mask.mean():.1%} of the image, "
        f"score {prediction.score:.2f}, {milliseconds:.0f} ms ({predictor.version})"
    )
    return 0
