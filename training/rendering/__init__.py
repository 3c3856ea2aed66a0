"""Re-rendering a photographed face with another expression, so that training has before and after.

A 3-D face model (ICT-FaceKit light) is fitted to the landmarks of a photo; its expression is then
changed, and the photo follows: skin is moved and shaded, and only what was hidden, teeth and mouth,
is made up. So the motion of every pixel is known.

Read `points -> model -> units -> fit` (where the face is), `raster -> source -> lips -> field ->
mouth -> render` (the edit) and `targets -> checks` (what is asked, what is kept).

Model space: x to the subject's left, which is the viewer's right, y up, z towards the camera.
Pictures: x to the right, y down, centres of pixels at integers. The fit knows the canonical crop of
FRAME = 144 pixels; photos are rendered at SIDE = 288 and halved.
"""
