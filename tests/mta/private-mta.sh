# shellcheck shell=bash disable=SC2034  # variables for those who source it
# What private-postfix and private-sendmail have in common; they source it with
# their own arguments:
#
#   [--no-milter] [--open] [--ports SUBMISSION SUBMISSIONS RETURN] DIR PORT
#   [SETTING]...
#
# Sets attach, relay (empty: no), ports (by the names of contrib/), dir, port
# and settings. --no-milter: not attached to gatemilter. --open: relays for
# everybody, so that only gatemilter is left to refuse. --ports: these three on
# 127.0.0.1, too, as the files below contrib/ say; with them STARTTLS, and AUTH
# for the user alice with the password "secret".
set -euo pipefail
name=$(basename "$0")
root=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
triplet=$(uname -m)-linux-gnu

# Every Debian has this account and group, and no mail service uses them.
owner=uucp drop=irc

die() { echo "$name: $*" >&2; exit 1; }

attach=yes relay=
declare -A ports=()
while :; do
  case ${1-} in
    --no-milter) attach= ;;
    --open) relay=yes ;;
    --ports)
      ports=([submission]=$2 [submissions]=$3 [return]=$4)
      shift 3
      ;;
    *) break ;;
  esac
  shift
done
[ $# -ge 2 ] || die "usage: $name [--no-milter] [--open]" \
  "[--ports SUBMISSION SUBMISSIONS RETURN] DIR PORT [SETTING]..."
dir=$1 port=$2
shift 2
settings=("$@")
[ "$(id -u)" = 0 ] || die "needs root to start"
getent passwd $owner > /dev/null || die "this system has no account $owner"
getent group $drop > /dev/null || die "this system has no group $drop"
mkdir -p "$dir"/{etc,log,mail/tmp,mail/new}
chmod 755 "$dir" "$dir"/{etc,log}
chown $owner "$dir"/mail "$dir"/mail/*
chmod 700 "$dir"/mail

# Sets prefix to the root of the files $2..., and LD_LIBRARY_PATH: empty when
# they are installed, else where contrib/deps unpacked them (the tree $1).
find_tree() {
  local tree=$root/build/mta/$1 file
  prefix=
  for file in "${@:2}"; do
    [ -e "/$file" ] || prefix=$tree
  done
  [ -n "$prefix" ] || return 0
  for file in "${@:2}"; do
    [ -e "$tree/$file" ] || die "no /$file: sudo contrib/deps --mta"
  done
  export LD_LIBRARY_PATH=$tree/usr/lib/postfix:$tree/usr/lib/$triplet:$tree/lib/$triplet${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# A certificate: $dir/tls/cert.pem and key.pem.
make_certificate() {
  mkdir -p "$dir/tls"
  (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
    -nodes -days 2 -subj /CN=mx.private.test \
    -keyout "$dir/tls/key.pem" -out "$dir/tls/cert.pem") 2> "$dir/tls/log" ||
    die "no certificate: $(cat "$dir/tls/log")"
}

# The user alice for the service $1 (smtpd, Sendmail), whose processes run as
# the account $2; exports SASL_PATH and SASL_CONF_PATH. Debian's Postfix looks
# below its configuration for the latter.
make_user() {
  local sasl=$dir/etc/sasl prefix libraries=${LD_LIBRARY_PATH-}
  find_tree sasl usr/sbin/saslpasswd2 "usr/lib/$triplet/sasl2/libplain.so" \
    "usr/lib/$triplet/sasl2/libsasldb.so"
  export SASL_PATH=$prefix/usr/lib/$triplet/sasl2 SASL_CONF_PATH=$sasl
  mkdir -p "$sasl"
  printf '%s\n' 'pwcheck_method: auxprop' 'auxprop_plugin: sasldb' \
    "sasldb_path: $sasl/sasldb2" 'mech_list: PLAIN LOGIN' > "$sasl/$1.conf"
  printf secret | "$prefix/usr/sbin/saslpasswd2" -p -c -f "$sasl/sasldb2" \
    -u mx.private.test alice || die "saslpasswd2 failed"
  chown "$2" "$sasl/sasldb2"
  chmod 600 "$sasl/sasldb2"
  export LD_LIBRARY_PATH=$libraries
}
