"""What QGIS sees of a layer and its mask: run by Debian's Python, which has QGIS. Prints one line of JSON."""

import json
import sys

from qgis.core import Qgis, QgsApplication, QgsPointXY, QgsRaster, QgsRasterLayer

vv_path, mask_path, x, y = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
application = QgsApplication([], False)
application.initQgis()
vv, mask = QgsRasterLayer(vv_path, "VV"), QgsRasterLayer(mask_path, "mask")
seen = vv.dataProvider().identify(QgsPointXY(x, y), QgsRaster.IdentifyFormatValue).results()
print(
    json.dumps(
        {
            "version": Qgis.QGIS_VERSION,
            "value": seen[1],
            "vv_renderer": vv.renderer().type(),
            "vv_labels": [entry[0] for entry in vv.renderer().legendSymbologyItems()]
            + [item.label for item in vv.renderer().shader().rasterShaderFunction().colorRampItemList()],
            "mask_labels": [entry.label for entry in mask.renderer().classes()],
        }
    )
)
