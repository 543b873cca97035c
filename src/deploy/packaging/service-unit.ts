import { oneLine, plainName } from './contents.ts';
import type { PackedModel } from './packed.ts';

/**
 * A unit of systemd for an unpacked archive: a user of its own that owns nothing, a system that it cannot write to, its prediction log in
 * `/var/lib`, and no address but this computer's own.
 * @param options.folder what the archive unpacks to, in `/opt`
 */
export function serviceUnit({ model, folder }: { readonly model: PackedModel; readonly folder: string }): string {
  const name = `gyre-${plainName(model.name)}`;
  return `# Unpack the archive in /opt, then: systemctl enable --now /opt/${folder}/${name}.service
# In place of another version: systemctl disable --now ${name}, then the same.
[Unit]
Description=${`Model ${oneLine(model.name).replaceAll('%', '%%')} ${model.version ?? ''}`.trim()}, served by Gyre
After=network.target

[Service]
ExecStart=/opt/${folder}/serve --host 127.0.0.1 --port 8080 --spool /var/lib/${name}
Restart=always
RestartSec=1
# It finishes what is under way.
KillSignal=SIGTERM
TimeoutStopSec=30
DynamicUser=yes
StateDirectory=${name}
StateDirectoryMode=0700
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}
