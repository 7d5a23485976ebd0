//go:build proxies

package proxies_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// site is the part of a proxy's configuration that depends on the test.
type site struct {
	upstream string // address
	nginx    string // directives for the server block of nginx
	frontend string // lines for the frontend section of HAProxy
	backend  string // lines for the backend section of HAProxy
}

// kind is a proxy program.
type kind struct {
	name   string
	config func(s site, dir, address string) string
	args   []string
	reload syscall.Signal
	ends   string // log message of a worker that is replaced
}

var (
	nginx   = kind{"nginx", nginxConfig, []string{"nginx", "-e", "stderr", "-c"}, syscall.SIGHUP, "gracefully shutting down"}
	haproxy = kind{"haproxy", haproxyConfig, []string{"haproxy", "-W", "-db", "-f"}, syscall.SIGUSR2, "Proxy site stopped"}
)

func nginxConfig(s site, dir, address string) string {
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // the owner of the test's folder
	}
	return fmt.Sprintf(`daemon off; worker_processes 1; %[1]s pid %[2]s/pid; error_log stderr notice;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	server {
		listen %[3]s ssl http2;
		ssl_certificate %[2]s/site.pem; ssl_certificate_key %[2]s/site.pem;
		%[4]s
		location / { proxy_pass http://%[5]s; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
}
`, user, dir, address, s.nginx, s.upstream)
}

func haproxyConfig(s site, dir, address string) string {
	return fmt.Sprintf(`global
	nbthread 1
	maxconn 200
	log stderr format raw local0
defaults
	mode http
	log global
	option httplog
	timeout connect 1s
	timeout client 10s
	timeout server 10s
frontend site
	bind %[2]s ssl crt %[1]s/site.pem alpn h2,http/1.1
	%[3]s
	default_backend fake
backend fake
	%[4]s
	server fake %[5]s
`, dir, address, s.frontend, s.backend, s.upstream)
}

// proxy is a process that listens on loopback.
type proxy struct {
	kind
	address string
	command *exec.Cmd
	output  *output
}

// start runs the program until the end of the test.
func (k kind) start(t *testing.T, s site) *proxy {
	t.Helper()
	for range 5 { // another process may take the port first
		if p := k.try(t, s); p != nil {
			return p
		}
	}
	require.Failf(t, "the proxy did not start", "%s failed on five ports", k.name)
	return nil
}

// try returns nil if the port was taken.
func (k kind) try(t *testing.T, s site) *proxy {
	t.Helper()
	dir := t.TempDir()
	p := &proxy{kind: k, address: freeAddress(t), output: &output{}}
	config := filepath.Join(dir, "config")
	require.NoError(t, os.WriteFile(config, []byte(k.config(s, dir, p.address)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "site.pem"), authority.site, 0o600))

	path, err := find(k.args[0])
	require.NoError(t, err, "install the packages nginx and haproxy")
	ctx, cancel := context.WithCancel(context.Background())
	p.command = exec.CommandContext(ctx, path, append(k.args[1:len(k.args):len(k.args)], config)...)
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = 10 * time.Second
	require.NoError(t, p.command.Start())
	ended := make(chan struct{})
	go func() {
		_ = p.command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			lines := strings.SplitAfter(p.output.String(), "\n")
			t.Logf("last output of %s:\n%s", k.name, strings.Join(lines[max(0, len(lines)-20):], ""))
		}
	})
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if p.listens() {
			return p
		}
		select {
		case <-ended:
			require.Contains(t, strings.ToLower(p.output.String()), "address already in use", "the configuration is invalid")
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	require.Failf(t, "the proxy does not listen", "output of %s:\n%s", k.name, p.output)
	return nil
}

// listens reports whether the proxy accepts connections. The certificate identifies it.
func (p *proxy) listens() bool {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", p.address, &tls.Config{RootCAs: authority.pool, MinVersion: tls.VersionTLS12})
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// reloads makes the proxy reload its configuration, which replaces its workers, until
// done returns true. HAProxy may ignore a signal while it reloads.
func (p *proxy) reloads(t *testing.T, done func() bool) {
	t.Helper()
	for range 20 {
		require.NoError(t, p.command.Process.Signal(p.reload))
		for range 50 {
			if done() {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	require.Fail(t, "the proxy did not reload")
}

// ending reports whether a worker is about to exit after a reload.
func (p *proxy) ending() bool { return strings.Contains(p.output.String(), p.ends) }

// find returns the path of a program, which may be in a folder for administrators that
// PATH does not contain.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, program))
	}
	return path, err
}

// freeAddress returns an address without a listener.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// output collects the output of a process.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// authority signs the certificate of the proxies and is trusted by the clients.
var authority = newAuthority()

type certificates struct {
	pool *x509.CertPool
	site []byte // certificate for loopback and its key, in PEM
}

func newAuthority() certificates {
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of the tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "proxy of the tests"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	rootKey, leafKey := newKey(), newKey()
	signed := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))))
	site := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: must(x509.CreateCertificate(rand.Reader, leaf, signed, leafKey.Public(), rootKey))})
	site = append(site, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(leafKey))})...)
	pool := x509.NewCertPool()
	pool.AddCert(signed)
	return certificates{pool, site}
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
