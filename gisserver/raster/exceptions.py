"""Complaints in the words of WMS, WMTS and TMS: XML that names the parameter."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

from gisserver.errors import status_of
from gisserver.request import Request
from gisserver.wording import sentence
from layers.errors import InvalidParameter, NotFound, StoreError, UnknownLayer

__all__ = ["ows_exception", "service_exception", "tms_exception"]

WMS_CODES = {"crs": "InvalidCRS", "srs": "InvalidSRS", "format": "InvalidFormat", "info_format": "InvalidFormat", "styles": "StyleNotDefined",
             "style": "StyleNotDefined", "layers": "LayerNotDefined", "query_layers": "LayerNotDefined", "layer": "LayerNotDefined",
             "time": "InvalidDimensionValue", "i": "InvalidPoint", "j": "InvalidPoint", "x": "InvalidPoint", "y": "InvalidPoint",
             "request": "OperationNotSupported"}
WMS_130 = ('xmlns="http://www.opengis.net/ogc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
           'xsi:schemaLocation="http://www.opengis.net/ogc http://schemas.opengis.net/wms/1.3.0/exceptions_1_3_0.xsd"')
HEADERS = {"Cache-Control": "no-store", "Vary": "Accept-Language"}


def _status(error: StoreError) -> int:
    # What is not there is a wrong value of a parameter in these protocols.
    return 400 if isinstance(error, NotFound) else status_of(error)


def _parameter(error: StoreError, names: dict[str, str] | None = None) -> str | None:
    if isinstance(error, UnknownLayer):
        return "layers"
    found = error.parameter if isinstance(error, InvalidParameter) else None
    return (names or {}).get(found or "", found)


def service_exception(request: Request, error: StoreError, version: str = "1.3.0") -> Response:
    """Return a WMS ServiceExceptionReport: 400 for what the client can mend."""
    name = _parameter(error)
    code = WMS_CODES.get((name or "").lower(), "MissingParameterValue" if "is required" in str(error) else "InvalidParameterValue")
    if isinstance(error, UnknownLayer):
        code = "LayerNotDefined"
    status = _status(error)
    if status >= 500 or name is None:
        code = "NoApplicableCode" if name is None else code
    text = escape(sentence(error, request.language))
    where = f" locator={quoteattr(name)}" if name and version == "1.3.0" else ""
    body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<ServiceExceptionReport version="{"1.3.0" if version == "1.3.0" else "1.1.1"}"'
            f'{f" {WMS_130}" if version == "1.3.0" else ""}><ServiceException code="{code}"{where}>{text}</ServiceException></ServiceExceptionReport>')
    return Response(body, status, HEADERS, "text/xml" if version == "1.3.0" else "application/vnd.ogc.se_xml")


def ows_exception(request: Request, error: StoreError) -> Response:
    """Return an OWS 1.1 ExceptionReport, as WMTS has it."""
    name = _parameter(error, {"datetime": "time"}) or "tile"
    code = "TileOutOfRange" if isinstance(error, NotFound) and not isinstance(error, UnknownLayer) else (
        "MissingParameterValue" if "is required" in str(error) else "InvalidParameterValue" if status_of(error) < 500 else "NoApplicableCode")
    body = ('<?xml version="1.0" encoding="UTF-8"?>\n<ExceptionReport xmlns="http://www.opengis.net/ows/1.1" version="1.1.0" xml:lang="'
            f'{request.language}"><Exception exceptionCode="{code}" locator={quoteattr(name)}><ExceptionText>'
            f"{escape(sentence(error, request.language))}</ExceptionText></Exception></ExceptionReport>")
    return Response(body, 404 if code == "TileOutOfRange" else _status(error), HEADERS, "text/xml")


def tms_exception(request: Request, error: StoreError) -> Response:
    """Return a TileMapServerError."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<TileMapServerError><Message>{escape(sentence(error, request.language))}</Message></TileMapServerError>'
    return Response(body, status_of(error), HEADERS, "text/xml")
