"""matplotlib's types and plotly's Figure, which annotations name without loading them."""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.artist import Artist as Artist
    from matplotlib.axes import Axes as Axes
    from matplotlib.backends.backend_agg import RendererAgg as RendererAgg
    from matplotlib.colors import Colormap as Colormap
    from matplotlib.figure import Figure as Figure
    from matplotlib.figure import SubFigure as SubFigure
    from matplotlib.gridspec import GridSpec as GridSpec
    from matplotlib.image import AxesImage as AxesImage
    from matplotlib.lines import Line2D as Line2D
    from matplotlib.text import Text as Text
    from plotly.graph_objects import Figure as PlotlyFigure

    Drawing: TypeAlias = Figure | Axes
    Interactive: TypeAlias = PlotlyFigure
else:
    Artist = Axes = AxesImage = Colormap = Drawing = Figure = GridSpec = Line2D = RendererAgg = Any
    Interactive = SubFigure = Text = Any
