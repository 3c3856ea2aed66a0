"""Re-rendering photographed faces with other expressions, to make training pairs.

A 3-D face model (ICT-FaceKit light) is fitted to the landmarks of a photo, and its expression is
changed. The pixels of the photo are moved and relit accordingly; only the inside of an opened mouth
is rendered. So the motion of every pixel is known.

Read `mesh_points -> units -> model -> fit` (the fitted face), `raster -> eyes -> facs -> targets`
(target expressions), `surface -> head -> source -> lips -> skin -> field -> mouth -> render` (the
edit) and `checks` (rejected edits). `teeth` draws the teeth for generators, and `build` makes
face_model.npz.

Model space: x to the person's left, which is the viewer's right, y up, z towards the camera.
Pictures: x to the right, y down, centres of pixels at integers. There are two scales:

* crop px: pixels of a canonical crop of CROP_SIDE = 144 pixels a side, in which faces are fitted;
* render px: pixels of a canonical crop of RENDER_SIDE = 288 pixels a side, in which photos are
  rendered. In shapes, S is RENDER_SIDE.

The flow and the landmarks of a `Render` are in crop px.
"""
