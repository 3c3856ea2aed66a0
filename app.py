"""Serve the page: python app.py [--port 7860] [--checkpoint FILE] [--device cpu]"""

from moodganimation.demo.serve import main

if __name__ == "__main__":
    main()
