"""Moving scenes, each described exactly, and a camera that exposes them.

::

    film      what a scene is to the camera: a function that exposes one frame
    pictures  what stands still: walls, textures, a collage, a photograph
    turning   fan, dotted wheel
    sliding   pan, camera shake, a slow drift: pictures that move as a whole
    bodies    a bouncing ball, falling and spinning objects
    fluids    fire and water
"""
