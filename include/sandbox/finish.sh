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
if [ -x /usr/bin/python3 ]; then # compiled once here, not by each cell
    python3 -c 'import py_compile as p, sys; p.compile(sys.argv[1], sys.argv[1] + "c", doraise=True)' \
        /opt/calisota/driver.py
    chmod 0444 /opt/calisota/driver.pyc
fi
chown root:root /opt/calisota/*
chmod 0555 /opt/calisota/runner
chmod 0444 /opt/calisota/driver.py /opt/calisota/packages
rm /opt/calisota/finish.sh
