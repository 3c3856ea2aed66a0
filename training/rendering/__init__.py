"""Re-rendering photographed faces with other expressions, to make training pairs.

A 3-D face model (ICT-FaceKit light) is fitted to the landmarks of a photo, and its expression is
changed. The pixels of the photo are moved and relit accordingly; only the inside of an opened mouth
is rendered. So the motion of every pixel is known.

Read `mesh_points -> model -> units -> fit` (the fitted face), `raster -> source -> lips -> field ->
mouth -> render` (the edit) and `targets -> checks` (target expressions, rejected edits).

Model space: x to the subject's left, which is the viewer's right, y up, z towards the camera.
Pictures: x to the right, y down, centres of pixels at integers. The fit is made in the canonical
crop of FRAME = 144 pixels; photos are rendered at SIDE = 288 pixels. The flow and
the landmarks of a `Render` are in pixels of FRAME.
"""
