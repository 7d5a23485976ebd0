// Package server serves integrations in the form of Apono's API, for the
// benchmarks. It runs in a separate process, so that its CPU time is not counted. All
// items are rendered at startup; a page is a part of them.
//
// The first segment of a path contains the settings of the request, for example
// /latency=50ms&items=20000&page=100&gzip=true&data=extra/api/v2/integrations.
package server

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	v4 = `{"id":"00000000-0000-4000-8000-%012[1]d","name":"prod-orders-%06[1]d","type":"postgresql","category":"RESOURCES",` +
		`"connector_id":"apono-connector-eu-central-1","status":"ACTIVE","last_sync_time":"2026-03-05T07:08:09.123Z",` +
		`"integration_config":{"hostname":"orders-%06[1]d.cluster-c9akciq32.eu-central-1.rds.amazonaws.com","port":"5432",` +
		`"dbname":"orders","auth_type":"user-password","sslmode":"require","credentials_rotation_period_in_days":"90",` +
		`"user_cleanup_after_days":"30"},"secret_store_config":{"aws":{"region":"eu-central-1",` +
		`"secret_id":"arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-%06[1]d"}},` +
		`"connected_resource_types":["postgresql-database","postgresql-schema","postgresql-table"],` +
		`"custom_access_details":"Ask #data before you touch the archive.","owner":{"attribute_type":"group",` +
		`"attribute_value":["data-platform","on-call"],"source_integration_id":"11111111-0000-4000-8000-000000000001",` +
		`"source_integration_name":"okta"},"owners_mapping":{"key_name":"team","attribute_type":"group"}}`
	v2 = `{"id":"00000000-0000-4000-8000-%012[1]d","name":"prod-orders-%06[1]d","type":"postgresql","status":"Active",` +
		`"details":"The integration was read without errors; 3 kinds of resources were found and 214 resources in all.",` +
		`"provisioner_id":"apono-connector-eu-central-1","connection":{"host":"10.0.0.1","kind":"connector","cluster":"eu-central-1-production","namespace":"apono","version":"2.14.0"},` +
		`"last_sync_time":1772694489.123000000,"metadata":{"hostname":"orders-%06[1]d.cluster-c9akciq32.eu-central-1.rds.amazonaws.com",` +
		`"port":"5432","dbname":"orders","auth_type":"user-password","sslmode":"require","credentials_rotation_period_in_days":"90",` +
		`"user_cleanup_after_days":"30"},"secret_config":{"type":"AWS","region":"eu-central-1",` +
		`"secret_id":"arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-%06[1]d"},` +
		`"connected_resource_types":["postgresql-database","postgresql-schema","postgresql-table"],` +
		`"custom_access_details":"Ask #data before you touch the archive."}`
)

// unknown is a field that no client knows.
const unknown = `,"since":{"version":7}}`

// v4Item returns item i as a tenant has them: with an ID, a host, names and a date of its
// own. One of 20 has an unknown field. It is a function of i.
func v4Item(i int) []byte {
	digits := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i)))
	pick := func(at int, texts ...string) string { return texts[int(digits[at])%len(texts)] }
	region := pick(0, "eu-central-1", "us-east-1", "us-west-2", "ap-south-1")
	name := pick(1, "prod", "staging", "dev") + "-" + pick(2, "orders", "billing", "ledger", "search", "mail") + "-" + digits[3:9]
	item := fmt.Appendf(nil, `{"id":%q,"name":%q,"type":%q,"category":"RESOURCES","connector_id":"connector-%s-%s",`+
		`"status":%q,"last_sync_time":%q,"integration_config":{"hostname":"%s.cluster-%s.%s.rds.amazonaws.com",`+
		`"port":"%d","dbname":"db_%s","auth_type":"user-password","sslmode":%q,"credentials_rotation_period_in_days":"%d",`+
		`"user_cleanup_after_days":"%d"},"secret_store_config":{"aws":{"region":%q,`+
		`"secret_id":"arn:aws:secretsmanager:%s:%012d:secret:%s"}},`+
		`"connected_resource_types":["postgresql-database","postgresql-schema","postgresql-table"],`+
		`"custom_access_details":"Ask #%s before you touch %s.","owner":{"attribute_type":"group",`+
		`"attribute_value":[%q,%q],"source_integration_id":%q,"source_integration_name":"okta"},`+
		`"owners_mapping":{"key_name":"team","attribute_type":"group"}}`,
		ID(i), name, pick(9, "postgresql", "mysql", "mongodb", "aws-account"), region, digits[10:14],
		pick(14, "ACTIVE", "ACTIVE", "ACTIVE", "WARNING"), time.Unix(1772694489+int64(i)*37, int64(i)%1000*1e6).UTC().Format(time.RFC3339Nano),
		name, digits[15:24], region,
		5432+i%7, digits[24:32], pick(32, "require", "verify-full"), 30+i%90,
		i%60, region,
		region, i%400, name,
		pick(33, "data", "platform", "on-call"), name,
		"team-"+digits[34:40], "role-"+digits[40:46], uuid(digits[32:64]))
	if i%20 == 0 {
		item = append(item[:len(item)-1], unknown...)
	}
	return item
}

// ID returns the ID of item i.
func ID(i int) string { return uuid(fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i)))) }

func uuid(digits string) string {
	return digits[:8] + "-" + digits[8:12] + "-4" + digits[13:16] + "-8" + digits[17:20] + "-" + digits[20:32]
}

// Corpus is the number of different items. Longer lists contain them again.
const Corpus = 20_000

// Addresses are the base URLs of the server and the certificate of HTTPS.
type Addresses struct {
	HTTP  string `json:"http"`
	HTTPS string `json:"https"`
	CA    string `json:"ca"`
}

// Run serves on loopback, writes its addresses to out as JSON, and returns when in
// ends.
func Run(in io.Reader, out io.Writer) error {
	format := func(text string) func(int) []byte { return func(i int) []byte { return fmt.Appendf(nil, text, i) } }
	s := &server{
		items: map[string]*rendered{
			"":       render(v4Item),
			"repeat": render(format(v4)),
			"extra":  render(format(strings.TrimSuffix(v4, "}") + unknown)),
		},
		v2: render(format(v2)),
	}
	plain, secure := httptest.NewServer(s), httptest.NewUnstartedServer(s)
	defer plain.Close()
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := json.NewEncoder(out).Encode(Addresses{plain.URL, secure.URL, string(authority)}); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// rendered contains all items, each followed by a comma.
type rendered struct {
	text []byte
	ends []int
}

func render(item func(i int) []byte) *rendered {
	r := &rendered{ends: []int{0}}
	for i := range Corpus {
		r.text = append(append(r.text, item(i)...), ',')
		r.ends = append(r.ends, len(r.text))
	}
	return r
}

// slice returns n items, starting at from. The items continue with the first one
// after the last, but not within a slice.
func (r *rendered) slice(from, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	from %= len(r.ends) - 1
	if n < 0 || from < 0 || from+n >= len(r.ends) {
		return nil, fmt.Errorf("there are no %d items from %d in one piece", n, from)
	}
	return r.text[r.ends[from] : r.ends[from+n]-1], nil
}

type server struct {
	items      map[string]*rendered // by the setting data
	v2         *rendered
	compressed sync.Map // []byte by request URI
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := s.response(w.Header(), r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, part := range body {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// response returns the body of a response: its start, items and end.
func (s *server) response(header http.Header, r *http.Request) (body [3][]byte, err error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return body, err
	}
	segment, path, _ := strings.Cut(r.URL.Path[1:], "/")
	settings, err := url.ParseQuery(segment)
	query := r.URL.Query()
	number := func(texts ...string) int {
		n, bad := strconv.Atoi(cmp.Or(texts...))
		err = cmp.Or(err, bad)
		return n
	}
	total, limit := number(settings.Get("items"), "0"), number(query.Get("limit"), settings.Get("page"))
	latency, bad := time.ParseDuration(cmp.Or(settings.Get("latency"), "0s"))
	err = cmp.Or(err, bad)
	from := number(query.Get("page_token"), query.Get("skip"), "0")
	items, ok := s.items[settings.Get("data")]
	if !ok {
		return body, errors.New("data must be repeat, extra or empty")
	}
	n := max(0, min(limit, total-from))
	id, isObject := strings.CutPrefix(path, "api/admin/v4/integrations/")
	switch {
	case isObject:
		from, n = number(id), 1
	case path == "api/admin/v4/integrations" && r.Method == http.MethodPost:
		n = 1
	case path == "api/admin/v4/integrations":
		next := "null"
		if from+n < total {
			next = fmt.Sprintf(`"%d"`, from+n)
		}
		body[0], body[2] = []byte(`{"items":[`), fmt.Appendf(nil, `],"pagination":{"next_page_token":%s}}`, next)
	case path == "api/v2/integrations":
		items, body[0] = s.v2, []byte(`{"data":[`)
		body[2] = fmt.Appendf(nil, `],"pagination":{"total":%d,"limit":%d,"offset":%d}}`, total, limit, from)
	default:
		err = errors.New("there is nothing at this path")
	}
	if err == nil {
		body[1], err = items.slice(from, n)
	}
	if err != nil {
		return body, err
	}
	time.Sleep(latency)
	if settings.Get("gzip") == "true" {
		body = [3][]byte{2: s.compress(r.RequestURI, body)}
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body[0])+len(body[1])+len(body[2])))
	return body, nil
}

// compress caches compressed bodies.
func (s *server) compress(uri string, body [3][]byte) []byte {
	if found, ok := s.compressed.Load(uri); ok {
		data, _ := found.([]byte)
		return data
	}
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	for _, part := range body {
		_, _ = w.Write(part)
	}
	_ = w.Close()
	s.compressed.Store(uri, buffer.Bytes())
	return buffer.Bytes()
}
