"""Help in Chinese. `line` stands in the list of commands, `help` above a command's examples, `# …` behind one of them.

`*` holds the options that mean the same in every command. A test names what is missing here.
"""

from __future__ import annotations

HELP: dict[str, dict[str, str]] = {
    "*": {
        "epilog": "退出码：0 完成；1 输入有问题，消息会指明；2 用法错误；3 启动的程序失败；130 被 Ctrl-C 停止。",
        "Examples:": "示例：",
        "Example:": "示例：",
        "--json": "在标准输出的最后一行以 JSON 给出结果。",
        "--set": "覆盖配方里的某个值，例如 train.learning_rate=5e-5。",
        "--gpus": "用来训练的 GPU：编号，或 `all`；省略时为全部可见的。",
        "--nproc-per-node": "本机的进程数；省略时每个 GPU 一个。没有 GPU 时它们共用 CPU。",
        "--nnodes": "有几台机器一起训练。",
        "--node-rank": "本机是其中第几台，从 0 数起。",
        "--master": "第 0 台机器的地址；省略端口时为 29500。",
    },
    "lfw": {
        "help": "基于 LLaMA-Factory，把原始的医疗与角色扮演数据变成微调好、已导出、经过如实评测的模型。\n\n"
        "每个命令需要什么、留下什么，见：lfw COMMAND --help。LFW_LANG=en 使用英文。",
        "# all of it, on sample data": "# 用示例数据走完全程",
        "# your own data": "# 你自己的数据",
        "# tune, export, compare, report": "# 微调、导出、对比、报告",
        "--debug": "出错时显示完整的调用栈。",
        "--version": "显示版本号。",
    },
    "demo": {
        "line": "用示例数据和小模型跑完整流程，几分钟，不需要 GPU。",
        "help": "用示例数据跑完整流程：让 SmolLM2-135M 学会中文术语标准化，并对比训练前后。\n\n"
        "不需要 GPU；模型（93 MB）以 Python 包的形式下载，也可用 --model 指定。留下与 `lfw init` 相同的工作目录，"
        "其中有一次完成的训练和它的 report.html。在两个 CPU 核上约五分钟；第二次只要几秒，做过的不再做。",
        "--dir": "建立并使用的工作目录。",
        "--model": "代替 SmolLM2-135M-Instruct 的模型目录或 hub id；请同时给出 --template。",
        "--template": "--model 的对话模板。",
        "--fresh": "即使演示已经跑过，也重新训练。",
    },
    "init": {
        "line": "建立工作目录：数据集说明、配方、示例数据。",
        "help": "在 FOLDER 里放好 dataset_info/（说明与示例数据）和 recipes/。已有的文件不会改动。\n\n"
        "其他命令都在工作目录里运行：它们就在当前目录找这些文件夹。",
    },
    "doctor": {
        "line": "检查本机：有什么、缺什么、怎么补。",
        "help": "检查本机：软件包、GPU、模型站点与镜像、磁盘、端口；每一项都给出补救的命令。\n\n"
        "什么也不改动。可选的部分会说明装上后能做什么。lfw 必需的东西坏了时，退出码为 1。",
        '# for scripts: {"ok": …, "findings": […]}': '# 供脚本使用：{"ok": …, "findings": […]}',
    },
    "fetch": {
        "line": "从模型站点下载模型或数据集，完整且经过校验。",
        "help": "从 ModelScope 或 Hugging Face 下载模型或数据集：断点续传，下载后校验。\n\n"
        "ID 写作 OWNER/NAME，或用短名。HF_ENDPOINT 与 MODELSCOPE_ENDPOINT 可选择镜像。"
        "每个文件都与站点给出的大小和校验和"
        "比对，并留下 .lfw-fetched.json 说明来历。没有站点有它或站点不应答时，退出码为 1，消息会说明怎样手动放置文件。",
        "--to": "放到哪里；省略时为 models/NAME 或 dataset_info/raw/NAME。",
        "--hub": "向谁下载；省略时先 ModelScope 后 Hugging Face，或听从 USE_MODELSCOPE_HUB。",
        "--list-names": "列出不必写 owner 的短名。",
    },
    "build-data": {
        "line": "把原始文件变成已登记的 LLaMA-Factory 数据集。",
        "help": "把原始文件变成 LLaMA-Factory 数据集，并登记到 OUT/dataset_info.json。\n\n"
        "FILE 可以是 JSON、JSONL、CSV、Excel、Parquet、纯文本或角色卡，也可以是装着它们的目录或压缩包；"
        "SPEC.yaml 能说得比选项更细"
        "（见 docs/data.md）。每个数据集在 OUT 里留下：NAME_train.jsonl、NAME_test.jsonl、"
        "NAME.rejects.jsonl（未采用的行及原因）、"
        "NAME.card.md（统计与建议的 cutoff_len）。原始文件不变；同样的文件与种子得到同样的字节。",
        "--type": "文件里是什么；省略时自动识别。",
        "--name": "数据集的名字；省略时取第一个文件名。",
        "--out": "LLaMA-Factory 的 dataset_dir。",
        "--train": "训练集行数；省略时全部。",
        "--test": "测试集行数，绝不与训练集重合；省略时 5 %，至多 100 行。",
        "--seed": "打乱顺序的随机种子；省略时为 42。",
        "--tokenizer": "模型目录：数据卡会据此统计 token 并建议 cutoff_len。",
        "--shard-mb": "数据超过多少 MB 时分成多个文件，放进一个目录；不写则为 4000。",
        "--list-types": "列出认识的原始格式。",
        "--workers": "进程数；省略时等于核数。结果不受影响。",
    },
    "check": {
        "line": "在花费 GPU 时间之前，说出配方会出什么问题。",
        "help": "在花费 GPU 时间之前，说出 RECIPE 会出什么问题。\n\n"
        "检查它自己的训练和之前各阶段的键名、模型、模板、数据集、长度、显存与磁盘，"
        "并问已安装的 LLaMA-Factory 会怎样理解它们；不训练，"
        "也不在这里写任何文件。"
        "RECIPE 也可以是 LLaMA-Factory 的 train.yaml。有错误时退出码为 1，只有警告时为 0。`lfw run` 会先做同样的检查。",
        "# for completion in an editor": "# 供编辑器补全",
        "--quick": "不为模板启动子进程；有保存过的答案就用它。",
        "--schema": "打印配方的 JSON Schema，供编辑器使用。",
    },
    "preview": {
        "line": "按模型看到的样子显示数据：学哪些、只读哪些、截掉哪些。",
        "help": "按模型看到的样子显示 DATASET 的行：学什么、只读什么、cutoff_len 截掉什么。\n\n"
        "DATASET 是 dataset_info.json 里的名字。要学的文字是绿色，没有颜色时写在 ⟦ ⟧ 里；其余的标签都是 −100。"
        "不给配方或模型时，按对话轮次显示；给了时只需要它的分词器，不需要权重。",
        "--recipe": "按这个配方训练时的样子显示。",
        "--model": "或者用这个模型的分词器：目录或 hub id。",
        "--template": "--model 的 LLaMA-Factory 对话模板；省略时用分词器自己的。",
        "--cutoff-len": "供 --model 使用。",
        "--dataset-dir": "LLaMA-Factory 的 dataset_dir；省略时取配方的，或 dataset_info。",
        "--row": "从哪一行开始显示。",
        "--rows": "显示几行。",
        "--html": "改为写成一个可看的网页：各行去向、长度、这些行、被拒的行、近似重复、来源。",
    },
    "render": {
        "line": "写出配方的 train.yaml、export.yaml 和 run.sh。",
        "help": "写出 train.yaml、export.yaml 和 run.sh：`lfw run` 会让 llamafactory-cli 做的事。\n\n"
        "这些文件只依赖 LLaMA-Factory，没有 lfw 也能运行，在本机或另一台有数据集和模型的机器上都行。"
        "内容也会打印出来；什么也不启动。",
        "--out": "文件与权重的目录；省略时为 rendered/<配方>。",
    },
    "eval": {
        "line": "用同样的题目问模型和它的原模型：是否更好，有多确定。",
        "help": "用测试集提问，说出模型是否比原模型更好、有多确定。\n\n"
        "至少要给一种题目：数据集的测试行（--test）、通用问题（--probe）、本地 CSV 选择题（--choice），"
        "或 lm-evaluation-harness 自己的任务（--harness，需装其附加依赖）。"
        "在 OUT/evaluation 里留下每个问题、回答和得分。回答会保存：--out 相同时，同一个模型不会被问两次同样的题。"
        "没有 --base 或 --adapter 时，只给出这个模型自己的得分。",
        "--model": "目录或 hub id；使用服务器时是它那里的名字。",
        "--adapter": "加在 M 上的适配器。",
        "--base": "与 M 相比的模型；给了适配器时，就是不带适配器的 M。",
        "--test": "用它的测试集提问的数据集。",
        "--task": "如何评判回答；省略时按各数据集的数据卡。",
        "--probe": "general_zh、general_en，或一个 .jsonl 题目文件。",
        "--choice": "C-Eval、CMMLU 或 MMLU：一个 CSV 文件，或它们的目录。",
        "--harness": "lm-evaluation-harness 的任务名，或自己的任务 YAML 文件。",
        "--perplexity": "同时测量参考答案的可能性（困惑度）。",
        "--paraphrase": "同时换种说法提问：`general`，或一个模板文件。",
        "--memorisation": "同时用 N 行训练数据提问。",
        "--limit": "每组题的题数；省略时全部。",
        "--max-new-tokens": "一个回答的长度上限。",
        "--batch-size": "一次问几行；回答不受影响。",
        "--engine": "transformers、vllm 或 server。",
        "--url": "与 --engine server 同用，例如 http://127.0.0.1:8000/v1",
        "--dataset-dir": "LLaMA-Factory 的 dataset_dir。",
        "--out": "回答放到哪里；省略时为 runs/eval/<时间>。",
    },
    "compare": {
        "line": "把几次训练放在同样的题目上比较：谁更好，有多确定。",
        "help": "在各次训练都答过的题目上比较它们；其余的都与第一个相比。\n\n"
        "需要已完成 evaluate 阶段的运行目录。列出设置有何不同，每个指标的差值与 95 % 区间，以及是更好、更差，"
        "还是这些回答不足以断定。"
        "只给一个 RUN：比较它的原模型与微调后的模型。不询问任何模型，也不写文件。",
    },
    "choose": {
        "line": "选基座模型：几个模型并排回答十个问题。",
        "help": "选择基座模型：各个 MODEL（目录或 hub id）回答同样的十个问题，并排显示。\n\n"
        "给出裁判（任何兼容 OpenAI 的接口，密钥取自 OPENAI_API_KEY）时还会排名。"
        "十个问题只能看出明显的差别：请与更大的模型所需的算力一并权衡。",
        "--questions": "medical_zh、medical_en，或自己的 YAML 问题表。",
        "--url": "裁判的接口地址，例如 http://127.0.0.1:8000/v1",
        "--judge": "那里的裁判模型；省略时由您自己评判。",
        "--rubric": "裁判看什么。",
        "--max-new-tokens": "每个回答的长度上限。",
        "--dry-run": "回答问题，并说出评判需要多少次调用；不询问裁判。",
        "--out": "回答放在哪里；省略时为 runs/choose/<问题表>。",
    },
    "judge": {
        "line": "由裁判模型或人来说哪些回答更好。",
        "help": "请裁判评判回答：一个 RUN 时比较其原模型与微调后的模型，几个 RUN 时比较各自微调后的模型。\n\n"
        "裁判可以是任何兼容 OpenAI 的接口；密钥读自 OPENAI_API_KEY，或配方指定的变量。"
        "两个回答的胜负须在两种顺序下一致才算数。"
        "问过的不再问。在第一个 RUN 的 judged/ 里留下每个答复和结果，下次的报告会显示。给人评判的表，"
        "其答案对照在旁边的文件里。",
        "--how": "逐条评分（pointwise）、两两比较（pairwise）或两者都做；省略时按配方，配方没写则两者都做。",
        "--test": "只用这一组题；省略时全部。",
        "--url": "裁判的接口地址；省略时取配方的 evaluate.judge.base_url。",
        "--model": "裁判模型；省略时取配方的 evaluate.judge.model。",
        "--rubric": "general、medical、roleplay，或一个 YAML 文件。",
        "--limit": "每组题的行数。",
        "--dry-run": "只说要多少次调用、多少 token，什么也不问。",
        "--sheet": "写出给人评判的盲评表（CSV 或 xlsx）。",
        "--read": "读回填好的表；两份时还会给出一致程度。",
    },
    "run": {
        "line": "构建、训练、导出、评测、报告：一个配方，一个目录。",
        "help": "构建数据、训练、导出，让原模型与微调后的模型回答同样的题目，并写出报告。\n\n"
        "阶段：build、tokenize、train、export、evaluate、report。已完成且仍然有效的会跳过："
        "中断后再运行同一条命令即可继续，"
        "训练从最后的检查点接着做。在 runs/<配方> 下留下一个目录：recipe.yaml、train.yaml 与 run.sh（做了什么）、权重、"
        "model/（合并后的模型）、evaluation/、logs/、report.html 和 manifest.json。"
        "LLaMA-Factory 的程序失败时退出码为 3，消息会给出原因和日志。",
        "--sweep": "这些取值的每一种组合各训练一次。",
        "--from": "从这个阶段起重新做。",
        "--to": "做到这个阶段为止。",
        "--dry-run": "打印计划和确切的命令，什么也不做。",
        "--fresh": "新建运行目录，而不是接着这个配方上次的。",
        "--run-dir": "运行目录；省略时为 runs/<配方>/<时间>-<哈希>。",
    },
    "export": {
        "line": "证明合并后的模型就是微调后的模型；写成其他格式；上传。",
        "help": "导出训练好的模型，证明它就是微调后的那个，并转成其他格式。\n\n"
        "给出运行目录，或给出配方（取它最近一次运行）。留下 RUN/model 和 RUN/parity.json（比较了什么、相差多少）；"
        "各格式放在 RUN/exports/FORM，GGUF 旁边有 Ollama 的 Modelfile。每种格式都先重新载入并比对，之后才会出现。"
        "合并后的模型不是微调后的模型时，退出码为 3，只留下 parity.json。"
        "--push 的令牌读自 HF_TOKEN 或 MODELSCOPE_API_TOKEN。",
        "--form": "再导出一种格式，可重复给出："
        "merged、adapter、gguf-f16、gguf-q8_0、gguf-q4_k_m、bnb-4bit、bnb-8bit、gptq-4bit、gptq-8bit。",
        "--push": "上传到 modelscope:OWNER/NAME 或 huggingface:OWNER/NAME：指定了格式就传它，否则传合并后的模型。",
        "--public": "--push 新建的仓库默认私有；加上此项则公开。",
    },
    "chat": {
        "line": "与模型、角色对话，或让原模型与微调后的模型并排回答。",
        "help": "与一个模型、一次训练得到的模型，或同时与它的原模型和微调后的模型对话。\n\n"
        "MODEL 是目录或 hub id；RECIPE 指它最近的一次训练。回答逐字出现；"
        "Ctrl-C 停止回答，而不退出程序。/help 列出命令：/reset、/system TEXT、"
        "/save FILE（`lfw build-data` 读得懂的对话）、/exit。也可以从管道输入。不用 /save 就什么也不写。",
        "--adapter": "MODEL 的适配器，不合并。",
        "--base": "未微调的模型，供 --compare 使用；RUN 自己知道。",
        "--load-in-4bit": "加载时量化（需要 bitsandbytes）。",
        "--system": "系统提示词。",
        "--character": "用角色卡（PNG 或 JSON）代替系统提示词。",
        "--preset": "如何采样。",
        "--compare": "原模型与微调后的模型并排回答。",
    },
    "webui": {
        "line": "打开 LLaMA Board，本目录的数据集、配方、训练结果都在其中。",
        "help": "在本目录打开 LLaMA Board：数据集可以预览，配方可以填好表单，训练完的结果可以对话。\n\n"
        "表单里已填好 RECIPE，或 RUN 训练时的参数并选中 RUN 作检查点；要换一个，在“配置路径”里选它，"
        "再按“载入训练参数”。一直运行到 Ctrl-C。"
        "留下 llamaboard_config/（每个配方和每次训练各一份配置）、"
        "data、saves/Custom/ 和 llamaboard_cache/；在面板里保存过的东西不会被覆盖。"
        "--import 需要先在面板里“保存训练参数”。",
        "# for the whole network: the board asks for no password": "# 向整个网络开放：面板没有密码",
        "# llamaboard_config/my_settings.yaml becomes recipes/my_settings.yaml": (
            "# 把 llamaboard_config/my_settings.yaml 变成 recipes/my_settings.yaml"
        ),
        "--host": "监听的地址。",
        "--port": "监听的端口。",
        "--import": "把在面板里保存的配置变成配方。",
        "--prepare": "只准备好目录，不启动面板。",
    },
}
