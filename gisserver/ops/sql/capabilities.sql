-- What this database does not allow its owner (noted by the migrations), for `gis doctor`.

SELECT name, is_present, detail FROM gis.capability ORDER BY name
