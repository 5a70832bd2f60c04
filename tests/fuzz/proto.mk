# Fuzz targets of proto.
