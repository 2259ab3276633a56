"""Maps as pictures: WMS, WMTS, TMS, KML, and maps and map tiles of OGC API."""
