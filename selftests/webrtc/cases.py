#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""cases.py RUN [TEXT]: what make check-webrtc does, into the files RUN/servers (for
guest.sh) and RUN/cases (for browser.js); those with TEXT in their names."""
import json
import os
import sys

MB = 1 << 20
OFF = "--priority -CIPHER-ALL:+"
# version, suite as the browser's statistics have it, our options
SUITES = [
    ("1.2", "AES_128_GCM", OFF + "AES-128-GCM"),
    ("1.2", "CHACHA20_POLY1305", OFF + "CHACHA20-POLY1305"),
    ("1.3", "AES_128_GCM", "--suites TLS_AES_128_GCM_SHA256"),
    ("1.3", "CHACHA20_POLY1305", "--suites TLS_CHACHA20_POLY1305_SHA256"),
]
SRTP = {
    "SRTP_AES128_CM_HMAC_SHA1_80": 1,
    "SRTP_AEAD_AES_128_GCM": 7,
    "SRTP_AEAD_AES_256_GCM": 8,
}
WIRE = {"1.2": "fefd", "1.3": "fefc"}


def main():
    run, text = sys.argv[1], " ".join(sys.argv[2:])
    servers, groups, port = [], [], 20000
    for pq in (True, False):
        cases = []
        for version, suite, options in SUITES:
            for active in (False, True):
                name = f"{version} {suite} {'active' if active else 'passive'} " \
                       f"{'ML-KEM' if pq else 'no ML-KEM'}"
                if text not in name:
                    continue
                port += 1
                server = f"s{port}"
                servers.append(f"{server} {port} --versions {version} {options}"
                               f"{' --active' if active else ''}\n")
                cases.append({
                    "kind": "traffic", "name": name, "server": server,
                    "version": WIRE[version], "suite": suite, "active": active,
                    "echo": 1000, "bulk": int(os.environ.get("BULK", 20)) * MB,
                })
        for version in ("1.2", "1.3"):
            for srtp, profile in SRTP.items():
                name = f"{version} {srtp} {'ML-KEM' if pq else 'no ML-KEM'}"
                if pq or text not in name:
                    continue
                port += 1
                servers.append(f"s{port} {port} --versions {version} --srtp {srtp}\n")
                cases.append({"kind": "media", "name": name, "server": f"s{port}",
                              "srtp": srtp, "profile": profile, "echo": 200})
        for version in ("1.2", "1.3"):
            name = f"{version} peers come and go {'ML-KEM' if pq else 'no ML-KEM'}"
            if pq or text not in name:
                continue
            port += 1
            servers.append(f"s{port} {port} --versions {version}\n")
            cases.append({"kind": "crowd", "name": name, "server": f"s{port}",
                          "peers": 10, "echo": 100})
        name = "the page that is for people"
        if not pq and text in name:
            port += 1
            servers.append(f"s{port} {port} --http 10.0.2.15:{port}\n")
            cases.append({"kind": "people", "name": name, "server": f"s{port}",
                          "port": port})
        if cases:
            groups.append({"off": [] if pq else ["WebRtcPqcForDtls"], "cases": cases})
    with open(f"{run}/servers", "w") as f:
        f.writelines(servers)
    with open(f"{run}/cases", "w") as f:
        json.dump(groups, f)


main()
