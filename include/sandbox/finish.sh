#!/bin/sh
# Runs in the new root file system, last: what a sandbox needs no more goes, what it needs comes.
set -eu
dpkg-query --show --showformat '${Package} ${Version}\n' >/opt/calisota/packages
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/lintian \
    /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /usr/bin/*lto-dump*
mkdir -p /work/cell
# Relative: while the image is built, an absolute link would point outside it.
rm -rf /tmp /var/tmp
ln -s work/cell /tmp
ln -s ../work/cell /var/tmp
rm /opt/calisota/finish.sh
chown -R root:root /opt/calisota
chmod -R a-w,a+rX /opt/calisota
chmod 0555 /opt/calisota/runner
