package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/apono-go/apono"
)

const (
	token  = "benchmark"
	pathV4 = "/api/admin/v4/integrations"
	pathV2 = "/api/v2/integrations"
	someID = "00000000-0000-4000-8000-000000000007"
)

// session is what a contender works with.
type session struct {
	task
	base string
	http *http.Client
	sdk  *apono.Client
}

// newSession makes both clients of one HTTP client. It has the settings of the
// SDK's own, but keeps as many connections as any task needs.
func newSession(t task) *session {
	transport := newTransport()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 256, 256
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(t.CA))
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	s := &session{task: t, http: &http.Client{Transport: transport}}
	return s.with(t.Setting)
}

func newTransport() *http.Transport { return http.DefaultTransport.(*http.Transport).Clone() }

// with returns a session with the same connections and other settings of the
// server's.
func (s *session) with(set setting) *session {
	other := &session{task: s.task, base: s.URL + set.prefix(), http: s.http}
	options := []apono.Option{apono.WithBaseURL(other.base), apono.WithReadAhead(s.ReadAhead)}
	if !s.OwnClient {
		options = append(options, apono.WithHTTPClient(s.http))
	}
	other.sdk = must(apono.NewClient(token, options...))
	return other
}

// tally is what a contender saw of a list: how many items, and a checksum of
// their ids in their order.
type tally struct {
	Items int
	Sum   uint64

	page  int
	pause time.Duration // after each page
	exact bool          // the floor looks at ids too
}

func (t *tally) see(id string) {
	t.Items++
	for i := range len(id) {
		t.Sum = (t.Sum ^ uint64(id[i])) * 1099511628211 // FNV-1a, but for its start
	}
	if t.pause > 0 && t.Items%t.page == 0 {
		time.Sleep(t.pause)
	}
}

// lists are the contenders that read a list. What they return is kept until the
// heap was measured.
var lists = map[string]func(*session, *tally) (any, error){
	"floor": func(s *session, t *tally) (any, error) { return nil, s.floor(t) },
	"plain": func(s *session, t *tally) (any, error) { return nil, s.plainV4(t) },
	"ListAll": func(s *session, t *tally) (any, error) {
		return nil, each(s.sdk.Integrations.ListAll(context.Background()), func(i *apono.Integration) { t.see(i.ID) })
	},
	"ListAll, one of each page kept": func(s *session, t *tally) (any, error) {
		var kept []*apono.Integration
		err := each(s.sdk.Integrations.ListAll(context.Background()), func(i *apono.Integration) {
			if t.see(i.ID); t.Items%s.Setting.Page == 0 {
				kept = append(kept, i)
			}
		})
		return kept, err
	},
	"Collect": func(s *session, t *tally) (any, error) {
		items, err := apono.Collect(s.sdk.Integrations.ListAll(context.Background()))
		for _, item := range items {
			t.see(item.ID)
		}
		return items, err
	},
	"Legacy.ListAll": func(s *session, t *tally) (any, error) {
		return nil, each(s.sdk.Legacy.Integrations.ListAll(context.Background()), func(i *apono.IntegrationV2) { t.see(i.ID) })
	},
	"Legacy.plain": func(s *session, t *tally) (any, error) { return nil, s.plainV2(t) },
}

func each[T any](items iter.Seq2[*T, error], see func(*T)) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		see(item)
	}
	return nil
}

// calls are the contenders that make one call again and again.
var calls = map[string]func(*session) error{
	"Get":       get,
	"plain Get": plainGet,
	"NewClient and Get": func(s *session) (err error) {
		if s.sdk, err = apono.NewClient(token, apono.WithBaseURL(s.base)); err != nil {
			return err
		}
		return get(s)
	},
	"plain client and Get": func(s *session) error {
		s.http = &http.Client{Transport: newTransport()}
		return plainGet(s)
	},
	"Create": func(s *session) error {
		integration, err := s.sdk.Integrations.Create(context.Background(), large)
		return checkAnswer(integration, err)
	},
	"plain Create": func(s *session) error {
		body, err := json.Marshal(large)
		if err != nil {
			return err
		}
		integration := new(apono.Integration)
		return checkAnswer(integration, s.callJSON(http.MethodPost, pathV4, body, integration))
	},
}

func get(s *session) error {
	integration, err := s.sdk.Integrations.Get(context.Background(), someID)
	return checkAnswer(integration, err)
}

func plainGet(s *session) error {
	integration := new(apono.Integration)
	return checkAnswer(integration, s.callJSON(http.MethodGet, pathV4+"/"+someID, nil, integration))
}

// large is an input of about 100 KB.
var large = func() apono.CreateIntegrationInput {
	in := apono.CreateIntegrationInput{Name: "orders", Type: "postgresql", IntegrationConfig: map[string]any{}}
	for i := range 100 {
		in.IntegrationConfig[fmt.Sprintf("setting_%d", i)] = strings.Repeat("0123456789", 100)
	}
	return in
}()

func checkAnswer(integration *apono.Integration, err error) error {
	if err == nil && (integration.Type != "postgresql" || len(integration.IntegrationConfig) != 7) {
		err = fmt.Errorf("the answer is %+v", integration)
	}
	return err
}

// call makes a request as users would write it.
func (s *session) call(method, path string, body []byte) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, s.base+path, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, errors.New(resp.Status)
	}
	return resp, err
}

func (s *session) callJSON(method, path string, body []byte, answer any) error {
	resp, err := s.call(method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	return err
}

// floor reads the pages and decodes nothing: what the wire alone costs.
func (s *session) floor(t *tally) error {
	var body bytes.Buffer
	for path := pathV4; path != ""; {
		resp, err := s.call(http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		body.Reset()
		_, err = body.ReadFrom(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		if t.exact {
			const start = `{"id":"`
			for rest := body.Bytes(); ; {
				at := bytes.Index(rest, []byte(start))
				if at < 0 {
					break
				}
				rest = rest[at+len(start):]
				t.see(string(rest[:len(someID)]))
			}
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

// integration is what users would write for an answer of GET
// /api/admin/v4/integrations.
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

func (s *session) plainV4(t *tally) error {
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
		if err := s.callJSON(http.MethodGet, path, nil, &page); err != nil {
			return err
		}
		for i := range page.Items {
			t.see(page.Items[i].ID)
		}
		if next = page.Pagination.NextPageToken; next == "" {
			return nil
		}
	}
}

// integrationV2 is what users would write for an answer of GET
// /api/v2/integrations.
type integrationV2 struct {
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

func (s *session) plainV2(t *tally) error {
	for at := 0; ; {
		var page struct {
			Data       []integrationV2 `json:"data"`
			Pagination struct {
				Total int `json:"total"`
			} `json:"pagination"`
		}
		if err := s.callJSON(http.MethodGet, pathV2+"?skip="+strconv.Itoa(at), nil, &page); err != nil {
			return err
		}
		for i := range page.Data {
			t.see(page.Data[i].ID)
		}
		if at += len(page.Data); at >= page.Pagination.Total {
			return nil
		}
	}
}
