package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/apono-go/apono"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	token  = "benchmark"
	pathV4 = "/api/admin/v4/integrations"
	pathV2 = "/api/v2/integrations"
	someID = "7" // the number of an item
)

// setting configures the responses and the protocol.
type setting struct {
	latency     time.Duration
	items, page int
	data        string // kind of items: see package server
	gzip, http2 bool
}

// warmUp returns the setting with a short list.
func (s setting) warmUp() setting {
	s.latency, s.items = 0, min(s.items, 5*s.page)
	return s
}

// address returns the base URL of the server with this setting.
func (s setting) address() string {
	base := addresses.HTTP
	if s.http2 {
		base = addresses.HTTPS
	}
	return fmt.Sprintf("%s/latency=%s&items=%d&page=%d&gzip=%t&data=%s", base, s.latency, s.items, s.page, s.gzip, s.data)
}

// httpClient returns a client that keeps enough idle connections for every benchmark.
func httpClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 256, 256
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(addresses.CA))
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}
}

// contender is a client. Functions that it does not support are nil.
type contender struct {
	name   string
	legacy bool // reads integrations of the legacy API
	// list reads a list and calls see with the ID of each item, except for the floor.
	list func(c *http.Client, address string, see func(id string)) error
	// collect reads a list into memory.
	collect func(c *http.Client, address string) (items int, err error)
	// get returns a function that reads one integration.
	get func(c *http.Client, address string) func() error
}

var (
	legacyPlain = contender{name: "plain", legacy: true, list: legacyPlainList}
	legacySDK   = contender{name: "sdk", legacy: true, list: func(c *http.Client, address string, see func(id string)) error {
		return legacyListWith(c, address, see)
	}}
)

var (
	floor = contender{name: "floor", list: floorList}
	plain = contender{name: "plain", list: plainList, collect: plainCollect, get: plainGet}
	bare  = contender{name: "bare", list: bareList, collect: bareCollect, get: bareGet}
	sdk   = contender{name: "sdk", list: func(c *http.Client, address string, see func(id string)) error {
		return sdkListWith(c, address, see)
	}, collect: sdkCollect, get: sdkGet}
)

// contenders are measured in this order.
var contenders = []contender{floor, plain, bare, sdk}

func newSDK(c *http.Client, address string, opts ...apono.Option) *apono.Client {
	return must(apono.NewClient(token, append(opts, apono.WithBaseURL(address), apono.WithHTTPClient(c))...))
}

func sdkListWith(c *http.Client, address string, see func(id string), opts ...apono.Option) error {
	for integration, err := range newSDK(c, address, opts...).Integrations.ListAll(context.Background()) {
		if err != nil {
			return err
		}
		see(integration.ID)
	}
	return nil
}

func legacyListWith(c *http.Client, address string, see func(id string), opts ...apono.Option) error {
	for integration, err := range newSDK(c, address, opts...).Legacy.Integrations.ListAll(context.Background()) {
		if err != nil {
			return err
		}
		see(integration.ID)
	}
	return nil
}

func sdkCollect(c *http.Client, address string) (int, error) {
	all, err := apono.Collect(newSDK(c, address).Integrations.ListAll(context.Background()))
	return len(all), err
}

func sdkGet(c *http.Client, address string) func() error {
	client := newSDK(c, address)
	return func() error {
		integration, err := client.Integrations.Get(context.Background(), someID)
		if err == nil && len(integration.IntegrationConfig) != settings {
			err = fmt.Errorf("the response is %+v", integration)
		}
		return err
	}
}

// settings is the number of settings of an integration.
const settings = 7

// request sends a request with net/http.
func request(c *http.Client, method, address string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, errors.New(resp.Status)
	}
	return resp, err
}

// requestJSON sends a request and decodes the response with encoding/json.
func requestJSON(c *http.Client, method, address string, body []byte, into any) error {
	resp, err := request(c, method, address, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body) // to reuse the connection
	return err
}

// floorList reads pages without decoding them.
func floorList(c *http.Client, address string, _ func(id string)) error {
	var body bytes.Buffer
	for path := pathV4; path != ""; {
		resp, err := request(c, http.MethodGet, address+path, nil)
		if err != nil {
			return err
		}
		body.Reset()
		_, err = body.ReadFrom(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		const field = `"next_page_token":"`
		path = ""
		if at := bytes.LastIndex(body.Bytes(), []byte(field)); at >= 0 {
			next, _, _ := bytes.Cut(body.Bytes()[at+len(field):], []byte(`"`))
			path = pathV4 + "?page_token=" + string(next)
		}
	}
	return nil
}

// integration is an integration as a user might declare it.
type integration struct {
	ID                string         `json:"id"`
	Name              string         `json:"name"`
	Type              string         `json:"type"`
	Category          string         `json:"category"`
	ConnectorID       *string        `json:"connector_id"`
	Status            string         `json:"status"`
	LastSyncTime      *time.Time     `json:"last_sync_time"`
	IntegrationConfig map[string]any `json:"integration_config"`
	SecretStoreConfig *struct {
		AWS            *secretStore `json:"aws"`
		GCP            *secretStore `json:"gcp"`
		Kubernetes     *secretStore `json:"kubernetes"`
		Azure          *secretStore `json:"azure"`
		HashicorpVault *secretStore `json:"hashicorp_vault"`
		Apono          *secretStore `json:"apono"`
	} `json:"secret_store_config"`
	ConnectedResourceTypes []string `json:"connected_resource_types"`
	CustomAccessDetails    *string  `json:"custom_access_details"`
	Owner                  *owner   `json:"owner"`
	OwnersMapping          *owner   `json:"owners_mapping"`
}

type secretStore struct {
	Region       string            `json:"region"`
	SecretID     string            `json:"secret_id"`
	Project      string            `json:"project"`
	Namespace    string            `json:"namespace"`
	Name         string            `json:"name"`
	VaultURL     string            `json:"vault_url"`
	SecretEngine string            `json:"secret_engine"`
	Path         string            `json:"path"`
	Parameters   map[string]string `json:"parameters"`
}

type owner struct {
	KeyName               string   `json:"key_name"`
	AttributeType         string   `json:"attribute_type"`
	AttributeValue        []string `json:"attribute_value"`
	SourceIntegrationID   *string  `json:"source_integration_id"`
	SourceIntegrationName *string  `json:"source_integration_name"`
}

// plainPages reads a list with net/http and encoding/json.
func plainPages(c *http.Client, address string, use func([]integration)) error {
	for next := ""; ; {
		path := pathV4
		if next != "" {
			path += "?page_token=" + url.QueryEscape(next)
		}
		var page struct {
			Items      []integration `json:"items"`
			Pagination struct {
				NextPageToken string `json:"next_page_token"`
			} `json:"pagination"`
		}
		if err := requestJSON(c, http.MethodGet, address+path, nil, &page); err != nil {
			return err
		}
		use(page.Items)
		if next = page.Pagination.NextPageToken; next == "" {
			return nil
		}
	}
}

func plainList(c *http.Client, address string, see func(id string)) error {
	return plainPages(c, address, func(items []integration) {
		for i := range items {
			see(items[i].ID)
		}
	})
}

func plainCollect(c *http.Client, address string) (int, error) {
	var all []integration
	err := plainPages(c, address, func(items []integration) { all = append(all, items...) })
	return len(all), err
}

func plainGet(c *http.Client, address string) func() error {
	return func() error {
		var got integration
		err := requestJSON(c, http.MethodGet, address+pathV4+"/"+someID, nil, &got)
		if err == nil && len(got.IntegrationConfig) != settings {
			err = fmt.Errorf("the response is %+v", got)
		}
		return err
	}
}

// bareRequest reads a whole body with net/http, and decodes it with the decoder, the
// options and the models of the SDK, but without its core.
func bareRequest(c *http.Client, address string, value any) error {
	resp, err := request(c, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	body := bytes.NewBuffer(make([]byte, 0, max(resp.ContentLength, 0)+bytes.MinRead))
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return err
	}
	return jsonv2.Unmarshal(body.Bytes(), value, bareOptions)
}

var bareOptions = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true))

func barePages(c *http.Client, address string, use func([]*apono.Integration)) error {
	for next := ""; ; {
		path := pathV4
		if next != "" {
			path += "?page_token=" + url.QueryEscape(next)
		}
		var page struct {
			Items      []*apono.Integration `json:"items"`
			Pagination struct {
				NextPageToken *string `json:"next_page_token"`
			} `json:"pagination"`
		}
		if err := bareRequest(c, address+path, &page); err != nil {
			return err
		}
		use(page.Items)
		if page.Pagination.NextPageToken == nil || *page.Pagination.NextPageToken == "" {
			return nil
		}
		next = *page.Pagination.NextPageToken
	}
}

func bareList(c *http.Client, address string, see func(id string)) error {
	return barePages(c, address, func(items []*apono.Integration) {
		for _, item := range items {
			see(item.ID)
		}
	})
}

func bareCollect(c *http.Client, address string) (int, error) {
	var all []*apono.Integration
	err := barePages(c, address, func(items []*apono.Integration) { all = append(all, items...) })
	return len(all), err
}

func bareGet(c *http.Client, address string) func() error {
	return func() error {
		var got apono.Integration
		err := bareRequest(c, address+pathV4+"/"+someID, &got)
		if err == nil && len(got.IntegrationConfig) != settings {
			err = fmt.Errorf("the response is %+v", got)
		}
		return err
	}
}

// legacyIntegration is a legacy integration as a user might declare it.
type legacyIntegration struct {
	ID                     string         `json:"id"`
	Name                   string         `json:"name"`
	Type                   string         `json:"type"`
	Status                 string         `json:"status"`
	Details                *string        `json:"details"`
	ProvisionerID          *string        `json:"provisioner_id"`
	Connection             map[string]any `json:"connection"`
	LastSyncTime           *float64       `json:"last_sync_time"`
	Metadata               map[string]any `json:"metadata"`
	SecretConfig           map[string]any `json:"secret_config"`
	ConnectedResourceTypes []string       `json:"connected_resource_types"`
	CustomAccessDetails    *string        `json:"custom_access_details"`
}

func legacyPlainList(c *http.Client, address string, see func(id string)) error {
	for at := 0; ; {
		var page struct {
			Data       []legacyIntegration `json:"data"`
			Pagination struct {
				Total int `json:"total"`
			} `json:"pagination"`
		}
		if err := requestJSON(c, http.MethodGet, fmt.Sprintf("%s%s?skip=%d", address, pathV2, at), nil, &page); err != nil {
			return err
		}
		for i := range page.Data {
			see(page.Data[i].ID)
		}
		if at += len(page.Data); at >= page.Pagination.Total {
			return nil
		}
	}
}
