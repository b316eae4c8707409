terraform import massif_object.page site/index.html
