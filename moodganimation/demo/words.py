"""What the page says, in English, Spanish and Chinese; the browser's language decides.

Texts are looked up by their English. Names of emotions, easings and models are not translated.
"""

import re

import gradio as gr

# English: (Spanish, Chinese)
TEXTS = {
    "Move a muscle or a mood: your own photo changes, at its own resolution. Please edit only "
    "faces of people who agree to it.": (
        "Mueve un músculo o un ánimo: tu propia foto cambia, a su propia resolución. Edita solo "
        "caras de personas que estén de acuerdo.",
        "调动一块肌肉或一种情绪:您自己的照片随之改变,分辨率不变。请只编辑本人同意的面孔。",
    ),
    "Photo": ("Foto", "照片"),
    "Examples": ("Ejemplos", "示例"),
    "Faces": ("Caras", "面孔"),
    "Another face, or none found?": ("¿Otra cara, o ninguna encontrada?", "换一张脸,或没有找到?"),
    "Height of the face, % of photo": ("Altura de la cara, % de la foto", "脸高占照片的百分比"),
    "Click on the middle of the face": ("Pulsa en el centro de la cara", "点击脸的中央"),
    "Model": ("Modelo", "模型"),
    "Action Units": ("Unidades de acción", "动作单元"),
    "Mood": ("Ánimo", "情绪"),
    "Emotions": ("Emociones", "表情"),
    "Emotion": ("Emoción", "表情"),
    "Intensity": ("Intensidad", "强度"),
    "Reset brows": ("Restablecer cejas", "重置眉"),
    "Reset eyes": ("Restablecer ojos", "重置眼"),
    "Reset nose": ("Restablecer nariz", "重置鼻"),
    "Reset mouth": ("Restablecer boca", "重置嘴"),
    "AU01 Inner brow raiser": ("AU01 Elevar cejas, dentro", "AU01 内眉上提"),
    "AU02 Outer brow raiser": ("AU02 Elevar cejas, fuera", "AU02 外眉上提"),
    "AU04 Brow lowerer": ("AU04 Bajar cejas", "AU04 皱眉"),
    "AU05 Upper lid raiser": ("AU05 Elevar párpados", "AU05 上睑提升"),
    "AU06 Cheek raiser": ("AU06 Elevar mejillas", "AU06 脸颊上提"),
    "AU07 Lid tightener": ("AU07 Tensar párpados", "AU07 眼睑收紧"),
    "AU09 Nose wrinkler": ("AU09 Arrugar nariz", "AU09 皱鼻"),
    "AU10 Upper lip raiser": ("AU10 Elevar labio superior", "AU10 上唇上提"),
    "AU12 Lip corner puller": ("AU12 Sonreír", "AU12 嘴角上扬"),
    "AU14 Dimpler": ("AU14 Hoyuelos", "AU14 酒窝"),
    "AU15 Lip corner depressor": ("AU15 Bajar comisuras", "AU15 嘴角下压"),
    "AU17 Chin raiser": ("AU17 Elevar barbilla", "AU17 下巴上提"),
    "AU20 Lip stretcher": ("AU20 Estirar labios", "AU20 嘴唇拉伸"),
    "AU23 Lip tightener": ("AU23 Tensar labios", "AU23 嘴唇收紧"),
    "AU25 Lips part": ("AU25 Separar labios", "AU25 双唇分开"),
    "AU26 Jaw drop": ("AU26 Bajar mandíbula", "AU26 下颌下落"),
    "AU45 Blink": ("AU45 Parpadear", "AU45 眨眼"),
    "Pleasure": ("Placer", "愉悦"),
    "Arousal": ("Activación", "唤醒"),
    "Dominance": ("Dominancia", "支配"),
    "Moods and Action Units are tied by a documented mapping. *Dominance* follows its definition "
    "only: no data set of faces carries it, so it is not validated.": (
        "Ánimos y unidades de acción están unidos por una correspondencia documentada. La "
        "*dominancia* sigue solo su definición: ningún conjunto de caras la contiene, así que no "
        "está validada.",
        "情绪与动作单元由一份公开的映射相连。*支配*只依其定义:没有任何人脸数据集标注它,因此未经验证。",
    ),
    "Undo": ("Deshacer", "撤销"),
    "Redo": ("Rehacer", "重做"),
    "Reset": ("Restablecer", "重置"),
    "Neutral first": ("Primero neutral", "先变中性"),
    "For every face": ("Para todas las caras", "用于所有脸"),
    "Edit": ("Editar", "编辑"),
    "Say in a corner that it was edited": (
        "Decir en una esquina que está editada",
        "在角落注明已编辑",
    ),
    "Lock a part with a brush": ("Proteger una parte con pincel", "用画笔锁定一部分"),
    "Paint on the face": ("Pinta sobre la cara", "在脸上涂画"),
    "Show the face": ("Mostrar la cara", "显示脸"),
    "What is painted": ("Lo pintado", "涂画处"),
    "Apply": ("Aplicar", "应用"),
    "Pinned": ("Fijados", "已固定"),
    "Pin what is shown": ("Fijar lo que se ve", "固定当前结果"),
    "Click to go back": ("Pulsa para volver", "点击返回"),
    "Copy the expression of another photo": (
        "Copiar la expresión de otra foto",
        "复制另一张照片的表情",
    ),
    "Another photo": ("Otra foto", "另一张照片"),
    "Regions": ("Regiones", "区域"),
    "Copy": ("Copiar", "复制"),
    "Recipe: restore or copy what made a picture": (
        "Receta: restaurar o copiar lo que hizo una imagen",
        "配方:恢复或复制图片的做法",
    ),
    "A picture, film or .json that was made here": (
        "Una imagen, película o .json hecha aquí",
        "在此制作的图片、影片或 .json",
    ),
    "Or a link": ("O un enlace", "或链接"),
    "Restore": ("Restaurar", "恢复"),
    "Show the recipe": ("Mostrar la receta", "显示配方"),
    "The recipe": ("La receta", "配方"),
    "Result": ("Resultado", "结果"),
    "Before and after": ("Antes y después", "前后对比"),
    "Photo, result": ("Foto, resultado", "照片,结果"),
    "Attention": ("Atención", "注意力"),
    "Color": ("Color", "颜色"),
    "Motion": ("Movimiento", "运动"),
    "Result = attention x moved photo + (1 - attention) x color: **white** keeps the photo's own "
    "pixels, **black** is painted; arrows show where they moved.": (
        "Resultado = atención x foto movida + (1 - atención) x color: el **blanco** conserva los "
        "píxeles de la foto, el **negro** se pinta; las flechas muestran adónde se movieron.",
        "结果 = 注意力 x 移动后的照片 + (1 - 注意力) x 颜色:**白**处保留照片的像素,**黑**处重绘;"
        "箭头表示移动方向。",
    ),
    "Asked and seen": ("Pedido y visto", "要求与所见"),
    "The reader is the network that moves the face: a witness, not a judge.": (
        "Quien lee es la red que mueve la cara: testigo, no juez.",
        "读取者就是移动面孔的网络:它是证人,不是法官。",
    ),
    "Animate": ("Animar", "动画"),
    "From": ("Desde", "从"),
    "To": ("Hasta", "到"),
    "Easing": ("Transición", "缓动"),
    "Picture": ("Imagen", "画面"),
    "Frames": ("Fotogramas", "帧数"),
    "Frames per second": ("Fotogramas por segundo", "每秒帧数"),
    "Hold at the end [frames]": ("Pausa al final [fotogramas]", "结尾停留 [帧]"),
    "Longest side [px]": ("Lado mayor [px]", "最长边 [px]"),
    "There and back": ("Ida y vuelta", "往返"),
    "Keyframes, instead of from and to": (
        "Fotogramas clave, en vez de desde y hasta",
        "关键帧(代替起止)",
    ),
    "Moment [s]": ("Momento [s]", "时刻 [秒]"),
    "Hold [s]": ("Pausa [s]", "停留 [秒]"),
    "Easing to the next": ("Transición al siguiente", "到下一帧的缓动"),
    "Mode": ("Modo", "模式"),
    "Blinks": ("Parpadeos", "眨眼"),
    "Add the sliders as a keyframe": (
        "Añadir los controles como fotograma clave",
        "将滑块加为关键帧",
    ),
    "Remove the nearest keyframe": ("Quitar el fotograma clave más cercano", "删除最近的关键帧"),
    "Curves": ("Curvas", "曲线"),
    "Scrub": ("Recorrer", "拖动预览"),
    "Write": ("Escribir", "输出"),
    "Make the animation": ("Hacer la animación", "生成动画"),
    "GIF or WebP": ("GIF o WebP", "GIF 或 WebP"),
    "MP4": ("MP4", "MP4"),
    "Downloads": ("Descargas", "下载"),
    "Film": ("Película", "影片"),
    "Clip": ("Clip", "短片"),
    "Change the clip as the sliders change the photo": (
        "Cambiar el clip como los controles cambian la foto",
        "按滑块对照片的改变来改变短片",
    ),
    "Strength": ("Fuerza", "强度倍数"),
    "Carry over": ("Transferir", "传递"),
    "Let the photo play what the clip plays": (
        "Que la foto haga lo que hace el clip",
        "让照片演出短片中的表情",
    ),
    "Let the photo follow a trajectory file": (
        "Que la foto siga un archivo de trayectoria",
        "让照片跟随轨迹文件",
    ),
    "Trajectory: .csv, .npy or .pkl": ("Trayectoria: .csv, .npy o .pkl", "轨迹:.csv、.npy 或 .pkl"),
    "What was filmed, if you have it": ("Lo filmado, si lo tienes", "实拍影像(如有)"),
    "Clip in a .pkl": ("Clip en un .pkl", ".pkl 中的片段"),
    "Follow it": ("Seguirla", "跟随"),
    "A row a frame, as Action Units or moods; the first belongs to the photo. The film shows "
    "original, generated, attention, color and what was filmed.": (
        "Una fila por fotograma, en unidades de acción o ánimos; la primera es de la foto. La "
        "película muestra original, generado, atención, color y lo filmado.",
        "每帧一行,以动作单元或情绪表示;第一行属于照片。影片依次显示原图、生成、注意力、颜色与实拍。",
    ),
    "With attention and color": ("Con atención y color", "附注意力与颜色"),
    "Cancel": ("Cancelar", "取消"),
    "What was played": ("Lo interpretado", "所演内容"),
    "The curves as a table": ("Las curvas como tabla", "曲线数据表"),
    "Live": ("En vivo", "实时"),
    "The camera's face changes as the sliders change the photo. Frames are edited here and "
    "forgotten, but for what you record.": (
        "La cara de la cámara cambia como los controles cambian la foto. Los fotogramas se editan "
        "aquí y se olvidan, salvo lo que grabes.",
        "摄像头中的脸随滑块对照片的改变而改变。除录制内容外,画面在此编辑后即被遗忘。",
    ),
    "Save the recording": ("Guardar la grabación", "保存录像"),
    "Explore": ("Explorar", "探索"),
    "All that the sliders do to this face, on one sheet.": (
        "Todo lo que los controles hacen con esta cara, en una hoja.",
        "滑块对这张脸的全部作用,汇于一张图。",
    ),
    "Sheet": ("Hoja", "图表"),
    "Draw the sheet": ("Dibujar la hoja", "绘制图表"),
}


def _key(english: str) -> str:
    """What the browser looks a text up by: dots would part it."""
    return re.sub(r"\W+", "_", english)


LANGUAGES = gr.I18n(
    en={_key(text): text for text in TEXTS},
    es={_key(text): spanish for text, (spanish, _) in TEXTS.items()},
    **{
        code: {_key(text): chinese for text, (_, chinese) in TEXTS.items()}
        for code in ("zh", "zh-CN", "zh-TW")
    },
)


def say(english: str):
    """The text in the visitor's language. Raises KeyError for one that nobody has translated."""
    if english not in TEXTS:
        raise KeyError(english)
    return LANGUAGES(_key(english))
