#!/bin/sh
# tls.sh SERVER CLIENT: the file server with TLS is asked by curl and by openssl s_client; the client of
# examples/https_get asks the file server, openssl s_server and nginx. The certificates are made here.
# shellcheck disable=SC2317 # functions are called by their names and by a trap
set -u

# shellcheck source=tests/external/common.sh
. "$(dirname -- "$0")/common.sh"
has openssl || skip "openssl is not installed"
make_files
client=$2
pem=$work/pem
other=''
mkdir "$pem"

# certificate NAME SUBJECT OPTION...: a key and a certificate, by the authority.
certificate() {
	name=$1 subject=$2
	shift 2
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pem/$name.key" -out "$pem/$name.csr" \
		-subj "/CN=$subject" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" 2>/dev/null &&
		openssl x509 -req -in "$pem/$name.csr" -CA "$pem/ca.pem" -CAkey "$pem/ca.key" -CAcreateserial -days 2 \
			-copy_extensions copy -out "$pem/$name.pem" "$@" 2>/dev/null
}

if ! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$pem/ca.key" \
	-out "$pem/ca.pem" -subj "/CN=the authority" 2>/dev/null || ! certificate server localhost; then
	skip "this openssl makes no certificates"
fi

# get HOST:PORT PATH: by the client; into $work/body. Its status.
get() {
	"$client" "$1" "$2" "$pem/ca.pem" >"$work/body" 2>"$work/said"
	echo $?
}

# A server of others: other CHECK COMMAND...: starts it, waits for its port, runs CHECK, ends it.
other() {
	check=$1
	shift
	"$@" >"$work/other.log" 2>&1 &
	other=$!
	for _ in $(seq 300); do
		[ "$(get "127.0.0.1:$other_port" /)" = 2 ] || grep -q 'refused' "$work/said" || break
		kill -0 "$other" 2>/dev/null || break
		sleep 0.1
	done
	"$check"
	kill "$other" 2>/dev/null
	wait "$other" 2>/dev/null
	other=
}

finish() {
	[ -z "$server" ] || kill -9 "$server" 2>/dev/null
	[ -z "$other" ] || kill -9 "$other" 2>/dev/null
	rm -rf "$work"
}

start_server "$1" --tls "$pem/server.pem" "$pem/server.key"
before=$(descriptors)
same "our client" 0 "$(get "127.0.0.1:$port" /large.bin)"
cmp -s "$work/body" "$work/www/large.bin" || fail "our client: the large file is not the same"
same "our client, an unknown authority" 1 "$("$client" "127.0.0.1:$port" / >/dev/null 2>"$work/said"; echo $?)"
grep -q 'not one of the authorities' "$work/said" || fail "our client said: $(cat "$work/said")"

if has curl; then
	for version in 1.2 1.3; do
		curl -s --tlsv$version --tls-max $version --cacert "$pem/ca.pem" -o "$work/body" "https://127.0.0.1:$port/large.bin" ||
			fail "curl, TLS $version: status $?"
		cmp -s "$work/body" "$work/www/large.bin" || fail "curl, TLS $version: the large file is not the same"
	done
	curl -s -o /dev/null "https://127.0.0.1:$port/" && fail "curl trusts an unknown authority"
	same "curl, ten on a connection" 1 "$(curl -s --cacert "$pem/ca.pem" -w '%{num_connects}\n' \
		-o /dev/null "https://127.0.0.1:$port/small.txt" -o /dev/null "https://127.0.0.1:$port/?[1-9]" | sort -n | tail -n 1)"
else
	echo "curl is not installed"
fi

printf 'GET /small.txt HTTP/1.0\r\n\r\n' |
	openssl s_client -quiet -connect "127.0.0.1:$port" -CAfile "$pem/ca.pem" -verify_return_error \
		-alpn http/1.1 >"$work/body" 2>"$work/said"
tail -n 1 "$work/body" | grep -q '^small$' || fail "s_client got: $(cat "$work/body" "$work/said")"
openssl s_client -connect "127.0.0.1:$port" -alpn other </dev/null >"$work/said" 2>&1
grep -q 'no application protocol' "$work/said" || fail "s_client with another protocol: $(cat "$work/said")"
openssl s_client -connect "127.0.0.1:$port" -tls1_1 -cipher ALL:@SECLEVEL=0 </dev/null >"$work/said" 2>&1
grep -q 'alert protocol version' "$work/said" || echo "this s_client does not do TLS 1.1"
# No TLS at all.
printf 'GET / HTTP/1.0\r\n\r\n' | timeout 10 openssl s_client -connect "127.0.0.1:$port" -starttls smtp >/dev/null 2>&1
settled "$before"
stop_server

# Servers of others, at a port that the file server had.
other_port=$port
cd "$work/www" || exit 1
s_server_answers() {
	same "s_server" 0 "$(get "127.0.0.1:$other_port" /small.txt)"
	same "s_server's file" small "$(cat "$work/body")"
}
other s_server_answers openssl s_server -quiet -WWW -accept "127.0.0.1:$other_port" -cert "$pem/server.pem" \
	-key "$pem/server.key"
if has nginx; then
	cat >"$work/nginx.conf" <<-TEXT
		daemon off; pid $work/nginx.pid; error_log $work/nginx.log; worker_processes 1;
		events { }
		http {
			access_log off; client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
			uwsgi_temp_path $work; scgi_temp_path $work;
			server {
				listen 127.0.0.1:$other_port ssl; root $work/www;
				ssl_certificate $pem/server.pem; ssl_certificate_key $pem/server.key;
			}
		}
	TEXT
	nginx_answers() {
		same "nginx" 0 "$(get "127.0.0.1:$other_port" /large.bin)"
		cmp -s "$work/body" "$work/www/large.bin" || fail "nginx: the large file is not the same"
	}
	chmod 755 "$work" # its worker may be another user
	other nginx_answers nginx -c "$work/nginx.conf" -e "$work/nginx.log"
else
	echo "nginx is not installed"
fi
exit "$failed"
