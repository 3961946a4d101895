"""A decoder of the external term format for the simulator's tests. Atoms become strings (nil None, true, false), binaries strings."""
import struct


def decode(data):
    assert data[0] == 131, data[:8]
    value, at = _term(data, 1)
    assert at == len(data), 'bytes behind the term'
    return value


def tags(data):
    """How often each of the tags stands in a term."""
    seen = {}
    _term(data, 1, seen)
    return seen


ATOMS = {'nil': None, 'true': True, 'false': False}


def _term(data, at, seen=None):
    tag = data[at]
    at += 1
    if seen is not None:
        seen[tag] = seen.get(tag, 0) + 1
    if tag == 97:
        return data[at], at + 1
    if tag == 98:
        return struct.unpack_from('>i', data, at)[0], at + 4
    if tag in (110, 111):
        size = data[at] if tag == 110 else struct.unpack_from('>I', data, at)[0]
        at += 1 if tag == 110 else 4
        value = int.from_bytes(data[at + 1:at + 1 + size], 'little')
        return (-value if data[at] else value), at + 1 + size
    if tag == 70:
        return struct.unpack_from('>d', data, at)[0], at + 8
    if tag == 99:
        return float(data[at:at + 31].rstrip(b'\0')), at + 31
    if tag in (100, 118, 115, 119):
        wide = tag in (100, 118)
        size = struct.unpack_from('>H', data, at)[0] if wide else data[at]
        at += 2 if wide else 1
        text = data[at:at + size].decode('latin-1' if tag in (100, 115) else 'utf-8')
        return ATOMS.get(text, text), at + size
    if tag == 106:
        return [], at
    if tag == 107:
        size = struct.unpack_from('>H', data, at)[0]
        return list(data[at + 2:at + 2 + size]), at + 2 + size
    if tag == 109:
        size = struct.unpack_from('>I', data, at)[0]
        return data[at + 4:at + 4 + size].decode(), at + 4 + size
    size = struct.unpack_from('>I', data, at)[0]
    at += 4
    if tag == 108:
        items = []
        for _ in range(size):
            item, at = _term(data, at, seen)
            items.append(item)
        assert data[at] == 106
        return items, at + 1
    assert tag == 116, f'tag {tag} at {at}'
    pairs = {}
    for _ in range(size):
        key, at = _term(data, at, seen)
        value, at = _term(data, at, seen)
        key = 'nil' if key is None else str(key).lower() if isinstance(key, bool) else str(key)
        assert key not in pairs, key
        pairs[key] = value
    return pairs, at


def encode(value):
    """As a well-behaved client encodes: binary keys."""
    return b'\x83' + _encode(value)


def _encode(value):
    if value is None or value is True or value is False:
        name = {None: b'nil', True: b'true', False: b'false'}[value]
        return b'w' + bytes([len(name)]) + name
    if isinstance(value, int):
        if 0 <= value < 256:
            return b'a' + bytes([value])
        if -2**31 <= value < 2**31:
            return b'b' + struct.pack('>i', value)
        digits = abs(value).to_bytes((abs(value).bit_length() + 7) // 8, 'little')
        return b'n' + bytes([len(digits), value < 0]) + digits
    if isinstance(value, float):
        return b'F' + struct.pack('>d', value)
    if isinstance(value, str):
        value = value.encode()
        return b'm' + struct.pack('>I', len(value)) + value
    if isinstance(value, list):
        return (b'l' + struct.pack('>I', len(value)) + b''.join(map(_encode, value)) if value else b'') + b'j'
    return b't' + struct.pack('>I', len(value)) + b''.join(_encode(k) + _encode(v) for k, v in value.items())


def same(etf, json):
    """Whether a decoded term says the same as JSON: ids may be integers."""
    if isinstance(json, dict):
        return isinstance(etf, dict) and etf.keys() == json.keys() and all(same(etf[k], json[k]) for k in json)
    if isinstance(json, list):
        return isinstance(etf, list) and len(etf) == len(json) and all(map(same, etf, json))
    if isinstance(json, str) and isinstance(etf, int) and not isinstance(etf, bool):
        return str(etf) == json
    return type(etf) is type(json) and etf == json
