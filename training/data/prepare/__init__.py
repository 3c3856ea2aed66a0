"""Raw data sets -> the folders that training reads: python -m training.data.prepare COMMAND --help

    imgs/NAME.jpg, clips/CLIP/FRAME.jpg  canonical face crops of --size pixels a side
    aus_openface.pkl         NAME -> 17 intensities 0..5, in OpenFace's order
    moods.pkl                NAME -> [valence, arousal], or [pleasure, arousal, dominance]
    {train,val,test}_ids.csv NAME.jpg, one per line
    clips_annotations.pkl    CLIP_FRAME -> [valence, arousal], in the order of frames
    clips.csv                clip,source,split,frames
    facs.pkl                 NAME -> 50 intensities 0..5, of the command `pairs`
    pairs/FILE.jpg, pairs.csv, flow.npz, jaws.npz   re-rendered faces, their motion and geometry,
                             see data/pairs.py
    report.txt, report.json  counts of used and dropped items with reasons, histograms

Finished items are logged in `unfinished.jsonl`, so that an interrupted command can resume. Pictures
can be made by several processes or by Ray. In all cases the files written are the same, bit by bit.
"""
