PYTHON ?= python3
PORT ?= 7860
READY = .venv/.ready

demo: $(READY)  ## set up and serve the page
	PORT=$(PORT) .venv/bin/python app.py

# Two processes of one thread each; tests that take long or measure time run alone.
test: $(READY)  ## set up and run the tests
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile

test-all: test  ## every test except the load test
	.venv/bin/python -m pytest -m "(slow or long) and not load"

long: $(READY)  ## run the tests that take minutes
	.venv/bin/python -m pytest -m "long and not load" -s

load: $(READY)  ## sixteen clients at once, for LOAD_SECONDS=300
	.venv/bin/python -m pytest -m load -s

fuzz: $(READY)  ## damaged files for every parser, FUZZ=10000 each
	FUZZ=$(or $(FUZZ),10000) .venv/bin/python -m pytest -m fuzz -s -p no:warnings

lint: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

wheel: $(READY)  ## dist/moodganimation-VERSION-py3-none-any.whl
	rm -rf build/lib build/bdist.*  # setuptools would pack deleted modules that are left there
	.venv/bin/python -m pip wheel --no-deps --wheel-dir dist .

pictures: $(READY)  ## the pictures of the README and docs/cli.md, by the shipped checkpoint
	.venv/bin/python -m moodganimation sheet assets/astronaut.png --out assets/sheet.jpg
	.venv/bin/python -m moodganimation sheet assets/portrait-calm.png --kind scales --out assets/scales.jpg
	.venv/bin/python -m moodganimation sheet assets/portrait-narrow.png --kind limits --out assets/limits.jpg
	.venv/bin/python -m moodganimation animate assets/portrait-calm.png --timeline assets/demo.json --view photo --size 384 --out assets/demo.gif

space: $(READY)  ## build/space/, as it is pushed to a Hugging Face Space
	.venv/bin/python .ci/space

screenshots: $(READY)  ## assets/screenshots/, with Chromium
	.venv/bin/python -m tests.screenshots

samples: $(READY)  ## make the small data sets of samples/ once more
	.venv/bin/python -m training.data.prepare samples --out samples

$(READY): requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -r requirements.txt
	touch $(READY)

.PHONY: demo test test-all long load fuzz lint wheel pictures space screenshots samples
