"""Tink's AES256_GCM_HKDF_1MB streaming encryption: opens what was sealed, and seals what is to be opened.

Input: {"key": hex, "opens": [{"sealed": base64, "mark": hex}], "seals": [{"clear": base64, "mark": hex}]}
Output: {"opened": [sha256 of the clear bytes], "sealed": [base64]}
"""

import base64
import hashlib
import io
import json
import sys

import tink
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

streaming_aead.register()


def primitive(key: bytes):
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0,
        key_value=key,
        params=aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=1024 * 1024, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
        ),
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add()
    entry.key_id = 1
    entry.status = tink_pb2.ENABLED
    entry.output_prefix_type = tink_pb2.RAW
    entry.key_data.type_url = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"
    entry.key_data.value = value.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    handle = cleartext_keyset_handle.read(tink.BinaryKeysetReader(keyset.SerializeToString()))
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """Keeps its bytes when whoever writes to it closes it."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


asked = json.load(sys.stdin)
cipher = primitive(bytes.fromhex(asked["key"]))
opened = []
for one in asked["opens"]:
    source = io.BytesIO(base64.b64decode(one["sealed"]))
    with cipher.new_decrypting_stream(source, bytes.fromhex(one["mark"])) as stream:
        opened.append(hashlib.sha256(stream.read()).hexdigest())
sealed = []
for one in asked["seals"]:
    target = Kept()
    with cipher.new_encrypting_stream(target, bytes.fromhex(one["mark"])) as stream:
        stream.write(base64.b64decode(one["clear"]))
    sealed.append(base64.b64encode(target.kept).decode())
json.dump({"opened": opened, "sealed": sealed}, sys.stdout)
