package apono

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/apono-go/apono/internal/operation"
	"github.com/apono-go/apono/internal/wire"
)

// Legacy has the services of older versions of the API. Apono has not deprecated them.
// The comment of each method names its successor.
type Legacy struct {
	// Integrations is version 2 of [Client.Integrations].
	Integrations *LegacyIntegrationsService
	// AccessFlows is version 1 of [Client.AccessFlows].
	AccessFlows *LegacyAccessFlowsService
	// AccessBundles is version 1 of [Client.Bundles].
	AccessBundles *LegacyAccessBundlesService
	// Connectors is version 2 of [Client.Connectors].
	Connectors *LegacyConnectorsService
	// Users is version 2 of [Client.Users].
	Users *LegacyUsersService
	// AccessRequests is version 3 of [Client.AccessRequests], [Client.Sessions]
	// and [Client.AvailableAccess].
	AccessRequests *LegacyAccessRequestsService
}

func newLegacy(c *Client) *Legacy {
	return &Legacy{
		Integrations:   &LegacyIntegrationsService{client: c},
		AccessFlows:    &LegacyAccessFlowsService{client: c},
		AccessBundles:  &LegacyAccessBundlesService{client: c},
		Connectors:     &LegacyConnectorsService{client: c},
		Users:          &LegacyUsersService{client: c},
		AccessRequests: &LegacyAccessRequestsService{client: c},
	}
}

// instant is a time of the legacy API: a JSON number of seconds since 1970, with
// nanoseconds as the fraction.
type instant struct{ time.Time }

// MarshalJSON writes the seconds with nine digits of fraction, and the zero time as null.
func (i instant) MarshalJSON() ([]byte, error) {
	if i.IsZero() {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%d.%09d", i.Unix(), i.Nanosecond()), nil
}

// UnmarshalJSON reads a number with or without quotes, or a time in ISO 8601.
func (i *instant) UnmarshalJSON(data []byte) (err error) {
	text := strings.TrimSpace(strings.Trim(string(data), `"`))
	switch text {
	case "null":
		return nil
	case "":
		*i = instant{}
		return nil
	}
	if i.Time, err = wire.ParseTime(text); err == nil && (i.Unix() < 0 || i.Unix() > wire.LastSecond) {
		err = errors.New("a time before 1970 or after 9999")
	}
	return err
}

func newInstant(t *time.Time) *instant {
	if t == nil {
		return nil
	}
	return &instant{*t}
}

func (i *instant) time() *time.Time {
	if i == nil || i.IsZero() {
		return nil
	}
	return &i.Time
}

// LegacyAccessBundlesService manages bundles through version 1 of the API. Its
// successor is [BundlesService].
//
// API section: Access Bundles, version 1, see https://docs.apono.io.
type LegacyAccessBundlesService struct{ client *Client }

var (
	listAccessBundlesV1  = operation.New("Legacy.AccessBundles.List", http.MethodGet, "/api/v1/access-bundles")
	getAccessBundleV1    = operation.New("Legacy.AccessBundles.Get", http.MethodGet, "/api/v1/access-bundles/{id}")
	createAccessBundleV1 = operation.New("Legacy.AccessBundles.Create", http.MethodPost, "/api/v1/access-bundles")
	updateAccessBundleV1 = operation.New("Legacy.AccessBundles.Update", http.MethodPatch, "/api/v1/access-bundles/{id}")
	deleteAccessBundleV1 = operation.New("Legacy.AccessBundles.Delete", http.MethodDelete, "/api/v1/access-bundles/{id}")
)

// AccessBundleV1 is a bundle, as version 1 returns it.
type AccessBundleV1 struct {
	ID                 string                      `json:"id"`
	Name               string                      `json:"name"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets"`

	Extra Extra `json:",embed,inline"`
}

// ListAccessBundlesV1Options pages the bundles of version 1. The API does not
// document Limit and Skip; they are sent only if set.
type ListAccessBundlesV1Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// CreateAccessBundleV1Input is the input for a new bundle for version 1.
type CreateAccessBundleV1Input struct {
	Name               string                      `json:"name"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets"`
}

// UpdateAccessBundleV1Input changes a bundle. A nil field is left unchanged; an
// empty slice empties the list.
type UpdateAccessBundleV1Input struct {
	Name               *string                     `json:"name,omitzero"`
	IntegrationTargets []AccessTargetIntegrationV1 `json:"integration_targets,omitzero"`
}

// List returns a page of bundles. Its successor is [BundlesService.List].
//
// GET /api/v1/access-bundles
func (s *LegacyAccessBundlesService) List(ctx context.Context, opts ...ListAccessBundlesV1Options) (*OffsetPage[AccessBundleV1], error) {
	return listOffset[AccessBundleV1](ctx, s.client, listAccessBundlesV1, opts)
}

// ListAll returns an iterator over all bundles and fetches pages as needed. An error
// ends it; an incomplete list returns [ErrTruncated]. Its successor is
// [BundlesService.ListAll].
//
// GET /api/v1/access-bundles
func (s *LegacyAccessBundlesService) ListAll(ctx context.Context, opts ...ListAccessBundlesV1Options) iter.Seq2[*AccessBundleV1, error] {
	return listAllOffset[AccessBundleV1](ctx, s.client, listAccessBundlesV1, opts)
}

// Get returns the bundle with the given ID, or [ErrNotFound]. Its successor is
// [BundlesService.Get].
//
// GET /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Get(ctx context.Context, id string) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, getAccessBundleV1, nil, id))
}

// Create creates a bundle. It is not retried if it may already have taken effect. Its
// successor is [BundlesService.Create].
//
// POST /api/v1/access-bundles
func (s *LegacyAccessBundlesService) Create(ctx context.Context, in CreateAccessBundleV1Input) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, createAccessBundleV1, in))
}

// Update changes the fields of a bundle that the input sets, or returns
// [ErrNotFound]. Its successor is [BundlesService.Update].
//
// PATCH /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Update(ctx context.Context, id string, in UpdateAccessBundleV1Input) (*AccessBundleV1, error) {
	return decode[AccessBundleV1](s.client.call(ctx, updateAccessBundleV1, in, id))
}

// Delete deletes a bundle, or returns [ErrNotFound]. Its successor is
// [BundlesService.Delete].
//
// DELETE /api/v1/access-bundles/{id}
func (s *LegacyAccessBundlesService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteAccessBundleV1, nil, id))
}

// LegacyConnectorsService lists connectors through version 2 of the API. Its
// successor is [ConnectorsService].
//
// API section: Connectors, version 2, see https://docs.apono.io.
type LegacyConnectorsService struct{ client *Client }

var listConnectorsV2 = operation.New("Legacy.Connectors.List", http.MethodGet, "/api/v2/connectors").Identified("connector_id")

// ConnectorV2 is a connector, as version 2 returns it.
type ConnectorV2 struct {
	ConnectorID   string     `json:"connector_id"`
	LastConnected *time.Time `json:"last_connected,omitzero"`
	// Status has no documented values.
	Status string `json:"status"`

	Extra Extra `json:",embed,inline"`
}

// List returns all connectors; the API does not page them. Its successor is
// [ConnectorsService.List].
//
// GET /api/v2/connectors
func (s *LegacyConnectorsService) List(ctx context.Context) ([]*ConnectorV2, error) {
	return decodeList[ConnectorV2](s.client.call(ctx, listConnectorsV2, nil))
}

type plainConnectorV2 ConnectorV2

// UnmarshalJSON reads the time of the last contact from a number of seconds.
func (c *ConnectorV2) UnmarshalJSON(data []byte) error {
	fields := struct {
		*plainConnectorV2
		LastConnected *instant `json:"last_connected"`
	}{plainConnectorV2: (*plainConnectorV2)(c)}
	err := wire.Unmarshal(data, &fields)
	c.LastConnected = fields.LastConnected.time()
	return err
}

// fields returns the object with the time of the last contact as the API writes it.
func (c ConnectorV2) fields() any {
	return struct {
		plainConnectorV2
		LastConnected *instant `json:"last_connected,omitzero"`
	}{plainConnectorV2(c), newInstant(c.LastConnected)}
}

// LegacyUsersService reads users through version 2 of the API. Its successor is
// [UsersService].
//
// API section: Users, version 2, see https://docs.apono.io.
type LegacyUsersService struct{ client *Client }

var (
	listUsersV2 = operation.New("Legacy.Users.List", http.MethodGet, "/api/v2/users")
	getUserV2   = operation.New("Legacy.Users.Get", http.MethodGet, "/api/v2/users/{id}")
)

// UserV2 is a user, as version 2 returns it.
type UserV2 struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	// Active reports whether the user is enabled in Apono.
	Active bool `json:"active"`

	Extra Extra `json:",embed,inline"`
}

// ListUsersV2Options pages the users of version 2. The API does not document
// Limit and Skip; they are sent only if set.
type ListUsersV2Options struct {
	Limit int `url:"limit,omitempty"`
	Skip  int `url:"skip,omitempty"`
}

// List returns a page of users. Its successor is [UsersService.List].
//
// GET /api/v2/users
func (s *LegacyUsersService) List(ctx context.Context, opts ...ListUsersV2Options) (*OffsetPage[UserV2], error) {
	return listOffset[UserV2](ctx, s.client, listUsersV2, opts)
}

// ListAll returns an iterator over all users and fetches pages as needed. An error ends
// it; an incomplete list returns [ErrTruncated]. Its successor is
// [UsersService.ListAll].
//
// GET /api/v2/users
func (s *LegacyUsersService) ListAll(ctx context.Context, opts ...ListUsersV2Options) iter.Seq2[*UserV2, error] {
	return listAllOffset[UserV2](ctx, s.client, listUsersV2, opts)
}

// Get returns the user with the given ID or e-mail address, or [ErrNotFound]. Its
// successor is [UsersService.Get], for which only the ID is documented.
//
// GET /api/v2/users/{id}
func (s *LegacyUsersService) Get(ctx context.Context, id string) (*UserV2, error) {
	return decode[UserV2](s.client.call(ctx, getUserV2, nil, id))
}
