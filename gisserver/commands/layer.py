"""`gis layer`: the definitions of the layers, as they are and as the files want them."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from config.settings import Settings
from gisserver.ops.database import city_store
from gisserver.ops.preparation import LAYERS
from gisserver.ops.saying import Teller
from layers.catalogue import Catalogue
from layers.layer import Layer, read_layers
from layers.plan import Step, apply, plan

__all__ = ["command"]

FOLDER = click.option("--from", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=LAYERS,
                      show_default="config/layers", help="Folder of definitions, one YAML file each.")


@click.group()
def command() -> None:
    """List, show and change the definitions of layers. 查看和变更图层定义。"""


@command.command("list")
@click.pass_obj
def list_layers(settings: Settings) -> None:
    """List the layers of the city."""
    with city_store(settings) as store:
        layers = Catalogue(store).layers
    for layer in layers.values():
        click.echo(f"{layer.id:<20} {layer.kind:<9} {layer.geometry or '-':<16} {layer.born:<8} "
                   f"{layer.title.zh} / {layer.title.en}")


@command.command()
@click.argument("layer_id", metavar="LAYER")
@click.pass_obj
def show(settings: Settings, layer_id: str) -> None:
    """Show the definition of one layer, as YAML that can be applied."""
    with city_store(settings) as store:
        layer = Catalogue(store).layer(layer_id)
    click.echo(yaml.safe_dump(layer.dump(), allow_unicode=True, sort_keys=False, width=120).rstrip())


@command.command("plan")
@FOLDER
@click.pass_obj
def show_plan(settings: Settings, folder: Path) -> None:
    """Show what 'apply' would do, and change nothing."""
    wanted = read_layers(folder)
    with city_store(settings) as store:
        catalogue = Catalogue(store)
        steps = plan(catalogue.layers, wanted, catalogue.city.storage_srid)
    _tell(steps)


@command.command("apply")
@FOLDER
@click.option("--allow-loss", is_flag=True, help="Also take steps that lose data, such as dropping a field.")
@click.pass_obj
def apply_layers(settings: Settings, folder: Path, allow_loss: bool) -> None:
    """Change the layers into what the files say; all of it or, if one step fails, nothing."""
    wanted: dict[str, Layer] = read_layers(folder)
    with city_store(settings) as store:
        _tell(apply(store, wanted, allow_loss))


def _tell(steps: list[Step]) -> None:
    for step in steps:
        if step.kind != "define" or not any(other.layer == step.layer and other is not step for other in steps):
            click.echo(str(step))
    if not steps:
        Teller().say("Nothing to do: the layers are as the files say.", "无需变更：图层与定义文件一致。")
