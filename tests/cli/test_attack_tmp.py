import json, os, shutil, struct, signal, pytest
import builtins
def print(*a):
    with open("/tmp/bg-att.txt","a") as f: builtins.print(*a, file=f)
from safetensors.torch import load_file, save_file
import torch

class Hang(BaseException): pass
def attempt(ncl, what, *args, ok=(1,)):
    def ring(*_): raise Hang
    signal.signal(signal.SIGALRM, ring); signal.alarm(20)
    try:
        r = ncl(*args)
        bad = r.code not in ok or r.err.count("ncl: ") > 1 or len(r.err) > 3000 or "internal" in r.err
        print(f"{'!!' if bad else 'ok'} {what} | {args[0]} -> {r.code} | {r.err.strip()[:260]!r} {r.out.strip()[:100]!r}")
    except Hang:
        print(f"!! {what} | {args[0]} HANGS")
    except AssertionError as e:
        print(f"!! {what} | {args[0]} ASSERT {str(e)[:300]}")
    except BaseException as e:
        print(f"!! {what} | {args[0]} RAISED {type(e).__name__} {str(e)[:300]}")
    finally:
        signal.alarm(0)

def J(d): return json.dumps(d)
def test_gate(ncl, here, certified):
    def lib(what, change):
        shutil.rmtree(here/"library", ignore_errors=True); shutil.copytree(certified, here/"library")
        f = here/"library"
        try: change(f)
        except Exception as e: print("SETUP", what, repr(e)); return
        attempt(ncl, what, "gate", "library")
    def sub(file, old, new, n=1):
        def go(f):
            p=f/file; t=p.read_text(); assert old in t, old; p.write_text(t.replace(old,new,n))
        return go
    P,R,W,T="certificate.json","programs/reverse.json","witness/reverse.json","weights.safetensors"
    lib("dup nested obligations", sub(P,'"verdict"','"verdict": "proved", "verdict"'))
    lib("dup case", sub(P,'"width"','"Width": 3, "width"'))
    lib("1E1 width", sub(P,'"width": 11','"width": 1.1e1'))
    lib("-0 seconds", sub(P,'"seconds": 0.0','"seconds": -0.0'))
    lib("-0 int seconds", sub(P,'"seconds": 0.0','"seconds": -0'))
    lib("0 int seconds", sub(P,'"seconds": 0.0','"seconds": 0'))
    lib("trailing comma", sub(P,'{','{,'))
    lib("comment", lambda f: (f/P).write_text("// x\n"+(f/P).read_text()))
    lib("trailing nul", lambda f: (f/P).write_bytes((f/P).read_bytes()+b"\0"))
    lib("trailing ws", lambda f: (f/P).write_bytes((f/P).read_bytes()+b" \n\n"))
    lib("formfeed", lambda f: (f/P).write_bytes(b"\x0c"+(f/P).read_bytes()))
    lib("10MB string", sub(P,'"bound": "','"bound": "'+"x"*10_000_000))
    lib("10MB name program", sub(R,'"reverse"','"'+"x"*10_000_000+'"'))
    lib("10MB key", sub(P,'"versions": {','"versions": {"'+"k"*10_000_000+'": "1",'))
    lib("10MB verdict", sub(P,'"verdict": "','"verdict": "'+"x"*10_000_000))
    lib("NFC verdicts", sub(P,'"proved"','"pr\\u006fved"'))
    lib("fullwidth name", lambda f: (f/R).rename(f/"programs/ｒeverse.json"))
    lib("case name", lambda f: (f/R).rename(f/"programs/Reverse.json"))
    lib("hidden json", lambda f: shutil.copy(f/R, f/"programs/.json"))
    lib("extra file programs", lambda f: (f/"programs/x.py").write_text("1/0"))
    lib("extra file top", lambda f: (f/"sitecustomize.py").write_text("1/0"))
    lib("extra pickle", lambda f: (f/"pytorch_model.bin").write_bytes(b"\x80\x04"))
    lib("dir in programs .json", lambda f: (f/"programs/x.json").mkdir())
    lib("fifo in programs", lambda f: os.mkfifo(f/"programs/x.json"))
    lib("fifo weights", lambda f: ((f/T).unlink(), os.mkfifo(f/T)))
    lib("program names keyword", sub(R,'"name": "reverse"','"name": "class"'))
    lib("param keyword nl", sub(R,'"parameters": [["','"parameters": [["\\n'))
    lib("source nl", sub(R,'"source": "','"source": "\\n'))
    lib("opcode big", lambda f: (f/R).write_text(J({**json.loads((f/R).read_text()), "code": [[2**52,0,0,0]]})))
    lib("code empty", lambda f: (f/R).write_text(J({**json.loads((f/R).read_text()), "code": []})))
    lib("code million", lambda f: (f/R).write_text(J({**json.loads((f/R).read_text()), "code": [[0,0,0,0]]*1000000})))
    lib("sizes memory", lambda f: (f/R).write_text((f/R).read_text().replace('"memory": ','"memory": 1')))
    lib("positions short", lambda f: (f/R).write_text(J({**json.loads((f/R).read_text()), "positions": [[1,2,3,4]]})))
    lib("positions dots", lambda f: (f/R).write_text(J({**json.loads((f/R).read_text()), "positions": [[1,2,"../../etc.py"]]})))
    lib("witness terms deep", lambda f: (f/W).write_text((f/W).read_text().replace("[","["*60,1)))
    def nanw(f):
        t=load_file(f/T); n=sorted(t)[0]; t["x"]=torch.tensor([float("nan")]); save_file(t,f/T)
    lib("nan tensor", nanw)
    def dt(f):
        t=load_file(f/T); t={n:x.to(torch.int32) for n,x in t.items()}; save_file(t,f/T)
    lib("dtype", dt)
    def zero(f):
        t=load_file(f/T); t["z"]=torch.zeros(0,4); save_file(t,f/T)
    lib("zero size", zero)
    def meta(f):
        t=load_file(f/T); save_file(t,f/T,{"a":"b"})
    lib("metadata only(ok=0)", meta)
    def big(f):
        t=load_file(f/T); t={n: (x.flatten().view(torch.uint8).reshape(-1,x.element_size()).flip(1).contiguous().flatten().view(x.dtype).reshape(x.shape)) for n,x in t.items()}; save_file(t,f/T)
    lib("endianness", big)
    def dup(f):
        b=(f/T).read_bytes(); n,=struct.unpack("<Q",b[:8]); h=b[8:8+n].decode().rstrip(); k=[x for x in json.loads(h) if x!="__metadata__"][0]
        h=h[:-1]+","+json.dumps(k)+":"+json.dumps(json.loads(h)[k])+"}"; h=h.encode(); (f/T).write_bytes(struct.pack("<Q",len(h))+h+b[8+n:])
    lib("dup header key(maybe 0)", dup)
    def hd(f):
        b=(f/T).read_bytes(); n,=struct.unpack("<Q",b[:8]); h=b"["*100000+b[8:8+n]; (f/T).write_bytes(struct.pack("<Q",len(h))+h+b[8+n:])
    lib("header deep", hd)
    lib("self link folder", lambda f: (shutil.rmtree(f/"programs"), (f/"programs").symlink_to(f/"programs")))
    lib("cert is /dev/zero", lambda f: ((f/P).unlink(), (f/P).symlink_to("/dev/zero")))
    lib("prog is /dev/stdin", lambda f: ((f/R).unlink(), (f/R).symlink_to("/dev/stdin")))
    lib("weights dev zero", lambda f: ((f/T).unlink(), (f/T).symlink_to("/dev/zero")))
    lib("cert proc mem", lambda f: ((f/P).unlink(), (f/P).symlink_to("/proc/self/mem")))
    attempt(ncl,"gate nowhere","gate","nowhere",ok=(2,))
    attempt(ncl,"gate file","gate","mine.py",ok=(1,2))
    os.mkfifo(here/"pipe"); attempt(ncl,"gate fifo","gate","pipe",ok=(1,2))
    attempt(ncl,"gate empty name","gate","",ok=(1,2))
    attempt(ncl,"gate nul","gate","a\0b",ok=(1,2))
    attempt(ncl,"gate long","gate","a"*5000,ok=(1,2))
    attempt(ncl,"gate surrogate","gate","a\udce4",ok=(1,2))
    shutil.rmtree(here/"library", ignore_errors=True); shutil.copytree(certified, here/"library")
    pol=json.loads(open(os.path.dirname(__import__("ncl").__file__)+"/policy.json").read())
    def p(what,text,ok=(1,2)):
        (here/"p.json").write_bytes(text if isinstance(text,bytes) else text.encode()); attempt(ncl,"policy "+what,"gate","library","--policy","p.json",ok=ok)
    s=J(pol)
    p("same",s,ok=(1,0)); p("bom",b"\xef\xbb\xbf"+s.encode()); p("utf16",s.encode("utf-16")); p("dupnest",s.replace('"accept"','"accept": ["tested"], "accept"',1))
    p("1.0",s.replace('"schema": 1','"schema": 1.0')); p("1e400",s.replace('"schema": 1','"schema": 1e400')); p("Case",s.replace('"schema"','"Schema"'))
    p("null","null"); p("nan at",s.replace('"at_least": {','"at_least": {"x": NaN,',1)); p("big at",s.replace('10}','1'+'0'*400+'}',1))
    p("10MB name",s.replace('"name": "','"name": "'+"x"*10_000_000),ok=(0,1,2))
    p("10MB exec",s.replace('"executors": ["','"executors": ["'+"x"*10_000_000))
    p("10MB id",s.replace('"id": "','"id": "'+"x"*10_000_000,1))
    p("id nl",s.replace('"id": "','"id": "\\n',1)); p("accept dict",s.replace('"accept": [','"accept": [{}, ',1)); p("exec null",s.replace('"executors": [','"executors": [null, '))
    p("many rules",J({**pol,"obligations":pol["obligations"]+[{"id":f"compiled/p{i}","accept":["proved"]} for i in range(20000)]}))
    p("key 10MB",s.replace('"name"','"'+'q'*10_000_000+'": 1, "name"'))
    (here/"p.json").unlink(); os.mkfifo(here/"p.json"); attempt(ncl,"policy fifo","gate","library","--policy","p.json",ok=(1,2))
    (here/"p.json").unlink(); (here/"p.json").mkdir(); attempt(ncl,"policy dir","gate","library","--policy","p.json",ok=(1,2))

def test_replay(ncl, here):
    def r(what, text, ok=(1,2)):
        (here/"c.json").write_bytes(text if isinstance(text,bytes) else (text if isinstance(text,str) else J(text)).encode())
        attempt(ncl, what, "replay","c.json",ok=ok)
    prog=lambda **k:{"schema":1,"name":"f","parameters":[["xs","array"]],"result":"word","sizes":{"width":32,"registers":16,"memory":2**32,"frame":1024,"depth":64},"source":"","code":[[0,0,0,0]],"positions":[None],**k}
    from ncl.build import compile
    (here/"m.py").write_text("from ncl import Array, Word, program\n\n\n@program\ndef f(xs: Array) -> Word:\n    return len(xs)\n")
    good=compile("m.py:f").program.to_json()
    huge={**good,"sizes":{**good["sizes"],"width":32,"memory":2**32}}
    for ex in ("reference","integer","step","dense","pathwise","source"):
        r("huge "+ex,{"schema":1,"kind":"program","program":huge,"source":None,"arguments":[[1,2]],"budget":1000,"executors":["integer",ex]})
        r("huge2 "+ex,{"schema":1,"kind":"program","program":huge,"source":None,"arguments":[[1,2]],"budget":1000,"executors":[ex,"reference"]})
    text=(here/"m.py").read_text()
    r("huge src",{"schema":1,"kind":"program","program":huge,"source":{"file":"m.py","name":"f","text":text},"arguments":[[1,2]],"budget":1000,"executors":["source","integer"]})
    r("executors 1",{"schema":1,"kind":"program","program":good,"source":None,"arguments":[[1,2]],"budget":1000,"executors":["integer"]})
    r("executors str",{"schema":1,"kind":"program","program":good,"source":None,"arguments":[[1,2]],"budget":1000,"executors":"ab"})
    r("budget neg",{"schema":1,"kind":"program","program":good,"source":None,"arguments":[[1,2]],"budget":-1,"executors":["integer","reference"]})
    r("budget big",{"schema":1,"kind":"program","program":good,"source":None,"arguments":[[1,2]],"budget":2**63,"executors":["integer","reference"]})
    r("source huge py",{"schema":1,"kind":"program","program":good,"source":{"file":"m.py","name":"f","text":"("*100000},"arguments":[[1,2]],"budget":100,"executors":["source","integer"]})
    r("source nul",{"schema":1,"kind":"program","program":good,"source":{"file":"m.py","name":"f","text":"\0"},"arguments":[[1,2]],"budget":100,"executors":["source","integer"]})
    r("source exec",{"schema":1,"kind":"program","program":good,"source":{"file":"/etc/passwd","name":"f","text":"open('EVIL','w')\n"+text},"arguments":[[1,2]],"budget":100,"executors":["source","integer"]},ok=(0,1,2))
    print("EVIL", (here/"EVIL").exists())
    r("source file int",{"schema":1,"kind":"program","program":good,"source":{"file":3,"name":"f","text":text},"arguments":[[1,2]],"budget":100,"executors":["source","integer"]},ok=(0,1,2))
    r("onehot w32",{"schema":1,"kind":"op","opcode":"add","circuit":"onehot","width":32,"operands":[1,2],"expected":1,"got":2})
    r("onehot w16",{"schema":1,"kind":"op","opcode":"add","circuit":"onehot","width":16,"operands":[1,2],"expected":1,"got":2})
    r("integer ops big",{"schema":1,"kind":"op","opcode":"add","circuit":"integer","width":8,"operands":[2**63,2],"expected":1,"got":2})
    r("integer ops past width",{"schema":1,"kind":"op","opcode":"add","circuit":"integer","width":8,"operands":[300,2],"expected":1,"got":2},ok=(0,1,2))
    r("integer ops neg",{"schema":1,"kind":"op","opcode":"divide","circuit":"integer","width":8,"operands":[-300,2],"expected":1,"got":2},ok=(0,1,2))
    r("kernel ops neg",{"schema":1,"kind":"op","opcode":"divide","circuit":"kernel","width":8,"operands":[-300,2],"expected":1,"got":2},ok=(0,1,2))
    r("push big",{"schema":1,"kind":"push","form":"full","opcode":"add","width":16,"constants":None,"operands":[{"support":65536,"rows":[{"0":1.0}]},{"support":65536,"rows":[{"0":1.0}]}]})
    r("push rows",{"schema":1,"kind":"push","form":"full","opcode":"add","width":16,"constants":None,"operands":[{"support":65536,"rows":[{}]*100000},{"support":1,"rows":[{}]*100000}]})
    r("push const",{"schema":1,"kind":"push","form":"left","opcode":"add","width":16,"constants":[2**60],"operands":[{"support":16,"rows":[{"0":1}]}]},ok=(0,1,2))
    r("push const shift",{"schema":1,"kind":"push","form":"right","opcode":"shift_left","width":32,"constants":[31],"operands":[{"support":16,"rows":[{"1":1}]}]},ok=(0,1,2))
    r("push const mul",{"schema":1,"kind":"push","form":"right","opcode":"multiply","width":32,"constants":[2**31],"operands":[{"support":4096,"rows":[{"3000":1}]}]},ok=(0,1,2))
    st={"registers":[0]*16,"memory":[0]*4,"frame":[0]*4,"stack":[],"pc":0,"hp":0,"fp":0,"ticks":0,"halted":False,"trap":0}
    r("loop huge",{"schema":1,"kind":"loop","program":huge,"budget":100,"state":st})
    r("loop short",{"schema":1,"kind":"loop","program":good,"budget":100,"state":st})
    r("loop pc",{"schema":1,"kind":"loop","program":good,"budget":100,"state":{**st,"pc":-1}})
    r("loop pc1e9",{"schema":1,"kind":"loop","program":good,"budget":100,"state":{**st,"pc":10**9}})
    full={**st,"memory":[0]*4096,"frame":[0]*1024}
    r("loop pc full neg",{"schema":1,"kind":"loop","program":good,"budget":100,"state":{**full,"pc":-1}})
    r("loop sp",{"schema":1,"kind":"loop","program":good,"budget":100,"state":{**full,"stack":[[0,0,0]]*100}})
    r("loop hp",{"schema":1,"kind":"loop","program":good,"budget":100,"state":{**full,"hp":2**62,"fp":2**62}},ok=(0,1,2))
    for op in ("store","load","set_frame","get_frame","call","return","new","halt"):
        from ncl.language.opcodes import Opcode
        if op.upper() in Opcode.__members__:
            n=int(Opcode[op.upper()])
            r("loop wild "+op,{"schema":1,"kind":"loop","program":{**good,"code":[[n,9999,9999,9999]]+good["code"]},"budget":100,"state":{**full,"hp":2**62,"fp":2**62,"registers":[2**62]*16}},ok=(0,1,2))
            r("loop wild2 "+op,{"schema":1,"kind":"loop","program":{**good,"code":[[n,1,2,3]]+good["code"]},"budget":100,"state":{**full,"hp":2**62,"fp":2**40,"registers":[2**62]*16}},ok=(0,1,2))
            r("loop wild3 "+op,{"schema":1,"kind":"loop","program":{**good,"code":[[n,1,2,3]]+good["code"]},"budget":100,"state":{**full,"hp":-2**62,"fp":-2**40,"registers":[-2**62]*16}},ok=(0,1,2))
    print("opcodes", [o.name for o in Opcode])
    r("temperature nan",'{"schema":1,"kind":"temperature","part":"hard","row":[NaN]}')
    r("temperature 1e308",{"schema":1,"kind":"temperature","part":"hard","row":[1e308,1e308]},ok=(0,1,2))
    r("temperature 1e7",{"schema":1,"kind":"temperature","part":"soft","row":[0.1]*1000000},ok=(0,1,2))
    r("gate", {"schema":1,"kind":"gate","trial":7},ok=(0,1,2))
    r("check evil",{"schema":1,"kind":"check","check":"__import__('os')","source":{"file":"m.py","name":"f","text":text},"sizes":{},"input":[[1]],"expected":1,"got":2})
    r("check huge",{"schema":1,"kind":"check","check":"executors","source":{"file":"m.py","name":"f","text":text},"sizes":{"width":32,"memory":2**32,"registers":16,"frame":1024,"depth":64},"input":[[1]],"expected":1,"got":2})
    os.mkfifo(here/"pp.py")
    r("check fifo source",{"schema":1,"kind":"check","check":"executors","source":{"file":str(here/"pp.py"),"name":"f","text":text},"sizes":{"width":32,"memory":16,"registers":16,"frame":1024,"depth":64},"input":[[1]],"expected":1,"got":2})
    r("check dev zero source",{"schema":1,"kind":"check","check":"executors","source":{"file":"/dev/zero","name":"f","text":text},"sizes":{"width":32,"memory":16,"registers":16,"frame":1024,"depth":64},"input":[[1]],"expected":1,"got":2})
    r("contract huge",{"schema":1,"kind":"contract","source":{"file":"m.py","name":"f","text":text},"sizes":{"width":32,"memory":2**32},"arguments":[[1]],"breach":"x"},ok=(0,1,2))
    r("10MB kind",{"schema":1,"kind":"x"*10_000_000}); r("10MB schema",{"schema":"x"*10_000_000,"kind":"op"})
    r("10MB width",{"schema":1,"kind":"op","width":"x"*10_000_000}); r("10MB opcode",{"schema":1,"kind":"op","width":8,"opcode":"x"*10_000_000,"circuit":"integer","operands":[1,2]})
    r("10MB args",{"schema":1,"kind":"program","program":{"schema":"x"*10_000_000},"arguments":[],"source":None,"executors":["a","b"],"budget":1})
    for n,b in {"empty":b"","null":b"null","utf16":"{}".encode("utf-16"),"bom":b"\xef\xbb\xbf{}","comma":b'{"schema":1,}',"arr":b"[]"}.items(): r(n,b)
    (here/"c.json").unlink(); os.mkfifo(here/"c.json"); attempt(ncl,"fifo","replay","c.json",ok=(1,2))
    (here/"c.json").unlink(); (here/"c.json").mkdir(); attempt(ncl,"dir","replay","c.json",ok=(1,2))
    attempt(ncl,"devzero","replay","/dev/zero",ok=(1,2)); attempt(ncl,"nul","replay","a\0",ok=(1,2)); attempt(ncl,"surr","replay","a\udce4",ok=(1,2)); attempt(ncl,"long","replay","a"*5000,ok=(1,2))

def test_regress(ncl, here):
    cell='{"task": "sort", "length": 10, "arm": "ncl", "exact": 0.5, "n": 200%s}'
    (here/"good.json").write_text('{"cells": ['+cell%""+']}')
    def g(what,text,ok=(1,2)):
        (here/"b.json").write_bytes(text if isinstance(text,bytes) else text.encode())
        attempt(ncl,"run "+what,"regress","b.json","--baseline","good.json",ok=ok); attempt(ncl,"base "+what,"regress","good.json","--baseline","b.json",ok=ok)
    C=lambda extra:'{"cells": ['+cell%extra+']}'
    g("dup cells",'{"cells": ['+cell%""+","+cell%""+']}'); g("surr",C(', "phrasing": "\\ud800"')); g("1E2",'{"cells": [{"task": "sort", "length": 1E1, "arm": "ncl", "exact": 0.5, "n": 2E2}]}')
    g("10MB task",'{"cells": [{"task": "'+"x"*10_000_000+'", "length": 10, "arm": "ncl", "exact": 0.5, "n": 200}]}',ok=(0,1,2)); g("10MB arm",'{"cells": [{"task": "s", "length": 10, "arm": "'+"x"*10_000_000+'", "exact": 0.5, "n": 200}]}')
    g("10MB exact",'{"cells": [{"task": "s", "length": 10, "arm": "x", "exact": "'+"x"*10_000_000+'", "n": 200}]}')
    g("cells obj",'{"cells": {}}'); g("cells null",'{"cells": [null]}'); g("length -0",'{"cells": [{"task": "sort", "length": -0, "arm": "ncl", "exact": 0.5, "n": 200}]}',ok=(0,1,2)); g("seed nan",C(', "seed": NaN')); g("seed str",C(', "seed": "0"')); g("seed true",C(', "seed": true'))
    g("error doc",'{"error": {}}'); g("empty",""); g("utf16",C("").encode("utf-16")); g("bom",b"\xef\xbb\xbf"+C("").encode()); g("nested dup",C(', "interval": [0, {"a": 1, "a": 2}]'))
    g("schema",'{"schema": 7, '+C("")[1:],ok=(0,1,2)); g("task nl",'{"cells": [{"task": "a\\nb[red]x[/red]", "length": 10, "arm": "ncl", "exact": 0.5, "n": 200}]}',ok=(0,1,2)); g("markup",'{"cells": [{"task": "[/nothing]", "length": 10, "arm": "ncl", "exact": 0.5, "n": 200}]}',ok=(0,1,2))
    (here/"b.json").unlink(); os.mkfifo(here/"b.json"); attempt(ncl,"fifo","regress","b.json","--baseline","good.json",ok=(1,2)); attempt(ncl,"fifo","regress","good.json","--baseline","b.json",ok=(1,2))
    attempt(ncl,"zero","regress","/dev/zero","--baseline","good.json",ok=(1,2))
    attempt(ncl,"nul","regress","a\0","--baseline","good.json",ok=(1,2))
    attempt(ncl,"stdin null","regress","/dev/null","--baseline","good.json",ok=(1,2))
