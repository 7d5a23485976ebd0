package apono

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/apono-go/apono/internal/operation"
)

// SpacesService manages spaces: parts of an account with their own resources, members,
// access flows, bundles and access scopes. Methods take the ID or the name of a space.
//
// API section: Spaces.
type SpacesService struct{ client *Client }

var (
	listSpaces        = operation.New("Spaces.List", http.MethodGet, "/api/admin/v1/spaces")
	getSpace          = operation.New("Spaces.Get", http.MethodGet, "/api/admin/v1/spaces/{id}")
	createSpace       = operation.New("Spaces.Create", http.MethodPost, "/api/admin/v1/spaces")
	updateSpace       = operation.New("Spaces.Update", http.MethodPut, "/api/admin/v1/spaces/{id}")
	deleteSpace       = operation.New("Spaces.Delete", http.MethodDelete, "/api/admin/v1/spaces/{id}")
	listSpaceMembers  = operation.New("Spaces.ListMembers", http.MethodGet, "/api/admin/v1/spaces/{id}/members").Identified("identity_id")
	setSpaceMembers   = operation.New("Spaces.SetMembers", http.MethodPut, "/api/admin/v1/spaces/{id}/members").Identified("identity_id")
	setSpaceMember    = operation.New("Spaces.SetMember", http.MethodPut, "/api/admin/v1/spaces/{id}/members/{identity_reference}").Identified("identity_id")
	removeSpaceMember = operation.New("Spaces.RemoveMember", http.MethodDelete, "/api/admin/v1/spaces/{id}/members/{identity_reference}")
)

// SpaceRole says what a member may do in a space.
type SpaceRole string

// The known roles. An owner manages the space, and a manager the objects in it.
const (
	SpaceRoleOwner   SpaceRole = "SpaceOwner"
	SpaceRoleManager SpaceRole = "SpaceManager"
)

// SpaceIdentityType is a type of member of a space.
type SpaceIdentityType string

// The known types of members.
const (
	SpaceIdentityTypeUser  SpaceIdentityType = "user"
	SpaceIdentityTypeGroup SpaceIdentityType = "group"
)

// SpaceReferenceNone in the SpaceReferences of a list selects the objects that
// are in no space.
const SpaceReferenceNone = "null"

// The bounds of the name of a space, in characters.
const (
	minSpaceName = 3
	maxSpaceName = 64
)

// Space is a part of an account.
type Space struct {
	ID string `json:"id"`
	// Name is unique in the account.
	Name string `json:"name"`
	// SpaceScopes select the resources of the space: those that match any of
	// them.
	SpaceScopes []SpaceScope `json:"space_scopes"`
	CreatedDate time.Time    `json:"created_date"`
	UpdatedDate time.Time    `json:"updated_date"`

	Extra Extra `json:",embed,inline"`
}

// SpaceReference is the space of an object.
type SpaceReference struct {
	SpaceID   string `json:"space_id"`
	SpaceName string `json:"space_name"`

	Extra Extra `json:",embed,inline"`
}

// SpaceMember is a user or a group with roles in a space.
type SpaceMember struct {
	IdentityID   string            `json:"identity_id"`
	IdentityType SpaceIdentityType `json:"identity_type"`
	SpaceRoles   []SpaceRole       `json:"space_roles"`
	Name         string            `json:"name"`
	// Email is nil for groups.
	Email *string `json:"email,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ListSpacesOptions filters and pages a list of spaces.
type ListSpacesOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
}

// ListSpaceMembersOptions pages a list of members.
type ListSpaceMembersOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
}

// SpaceOptions set the space in which an access flow, a bundle or an access scope is
// created.
type SpaceOptions struct {
	// SpaceReference is the ID or the name of a space; empty means none. An object stays
	// in the space that it was created in.
	SpaceReference string `url:"space_reference,omitempty"`
}

// create calls an operation that creates an object in a space.
func (c *Client) create(ctx context.Context, op *operation.Operation, in any, opts []SpaceOptions) (*response, error) {
	params, err := encodeOptions(opts)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, op, op.Path, params, in)
}

// CreateSpaceInput is the input for a new space.
type CreateSpaceInput struct {
	// Name has 3 to 64 characters and is unique in the account.
	Name string `json:"name"`
	// SpaceScopeReferences are IDs or names of space scopes.
	SpaceScopeReferences []string           `json:"space_scope_references"`
	Members              []SpaceMemberInput `json:"members,omitzero"`
}

// UpdateSpaceInput is the input for updating a space. It does not change the members.
type UpdateSpaceInput struct {
	// Name has 3 to 64 characters and is unique in the account.
	Name string `json:"name"`
	// SpaceScopeReferences are IDs or names; they replace all space scopes.
	SpaceScopeReferences []string `json:"space_scope_references"`

	Extra Extra `json:",embed,inline"`
}

// SpaceMemberInput sets the roles of a user or a group in a space.
type SpaceMemberInput struct {
	// IdentityReference is the ID or the e-mail address of a user, or the ID or the name
	// of a group.
	IdentityReference string            `json:"identity_reference"`
	IdentityType      SpaceIdentityType `json:"identity_type"`
	SpaceRoles        []SpaceRole       `json:"space_roles"`
}

// SpaceMemberRolesInput sets the roles of a member of a space.
type SpaceMemberRolesInput struct {
	IdentityType SpaceIdentityType `json:"identity_type"`
	// SpaceRoles replace all roles of the member.
	SpaceRoles []SpaceRole `json:"space_roles"`
}

type setSpaceMembersInput struct {
	Members []SpaceMemberInput `json:"members"`
}

// List returns a page of spaces.
//
// GET /api/admin/v1/spaces
func (s *SpacesService) List(ctx context.Context, opts ...ListSpacesOptions) (*Page[Space], error) {
	return list[Space](ctx, s.client, listSpaces, opts)
}

// ListAll returns an iterator over all spaces.
//
// GET /api/admin/v1/spaces
func (s *SpacesService) ListAll(ctx context.Context, opts ...ListSpacesOptions) iter.Seq2[*Space, error] {
	return listAll[Space](ctx, s.client, listSpaces, opts)
}

// Get returns the space with the given ID or name, or [ErrNotFound].
//
// GET /api/admin/v1/spaces/{id}
func (s *SpacesService) Get(ctx context.Context, id string) (*Space, error) {
	return decode[Space](s.client.call(ctx, getSpace, nil, id))
}

// GetByName returns the space with the given name, or [ErrNotFound] or [ErrAmbiguous].
//
// GET /api/admin/v1/spaces
func (s *SpacesService) GetByName(ctx context.Context, name string) (*Space, error) {
	return byName(name, s.ListAll(ctx, ListSpacesOptions{Name: name}), func(o *Space) (string, string) { return o.ID, o.Name })
}

// Create creates a space.
//
// POST /api/admin/v1/spaces
func (s *SpacesService) Create(ctx context.Context, in CreateSpaceInput) (*Space, error) {
	return decode[Space](s.client.call(ctx, createSpace, in))
}

// Update replaces a space except its members, or returns [ErrNotFound].
//
// PUT /api/admin/v1/spaces/{id}
func (s *SpacesService) Update(ctx context.Context, id string, in UpdateSpaceInput) (*Space, error) {
	return decode[Space](s.client.call(ctx, updateSpace, in, id))
}

// Delete deletes a space, or returns [ErrNotFound]. What happens to the objects
// in the space is not documented.
//
// DELETE /api/admin/v1/spaces/{id}
func (s *SpacesService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteSpace, nil, id))
}

// ListMembers returns a page of the members of a space.
//
// GET /api/admin/v1/spaces/{id}/members
func (s *SpacesService) ListMembers(ctx context.Context, id string, opts ...ListSpaceMembersOptions) (*Page[SpaceMember], error) {
	return list[SpaceMember](ctx, s.client, listSpaceMembers, opts, id)
}

// ListAllMembers returns an iterator over all members of a space.
//
// GET /api/admin/v1/spaces/{id}/members
func (s *SpacesService) ListAllMembers(ctx context.Context, id string, opts ...ListSpaceMembersOptions) iter.Seq2[*SpaceMember, error] {
	return listAll[SpaceMember](ctx, s.client, listSpaceMembers, opts, id)
}

// SetMembers replaces all members of a space. An empty list, nil included,
// removes all of them. It returns the first page of the new members;
// ListMembers continues at its token.
//
// PUT /api/admin/v1/spaces/{id}/members
func (s *SpacesService) SetMembers(ctx context.Context, id string, members []SpaceMemberInput) (*Page[SpaceMember], error) {
	return decodePage[SpaceMember](s.client.call(ctx, setSpaceMembers, setSpaceMembersInput{members}, id))
}

// SetMember adds a member to a space or replaces its roles. The reference is the ID or
// the e-mail address of a user, or the ID or the name of a group.
//
// PUT /api/admin/v1/spaces/{id}/members/{identity_reference}
func (s *SpacesService) SetMember(ctx context.Context, id, identityReference string, in SpaceMemberRolesInput) (*SpaceMember, error) {
	return decode[SpaceMember](s.client.call(ctx, setSpaceMember, in, id, identityReference))
}

// RemoveMember removes a member from a space, or returns [ErrNotFound]. The
// reference is as in [SpacesService.SetMember].
//
// DELETE /api/admin/v1/spaces/{id}/members/{identity_reference}
func (s *SpacesService) RemoveMember(ctx context.Context, id, identityReference string) error {
	return confirm(s.client.call(ctx, removeSpaceMember, nil, id, identityReference))
}

// UpdateInput returns a copy of the space, Extra included, for Update.
func (s *Space) UpdateInput() UpdateSpaceInput {
	s = clone(s)
	return UpdateSpaceInput{
		Name:                 s.Name,
		SpaceScopeReferences: convert(s.SpaceScopes, func(scope SpaceScope) string { return scope.ID }),
		Extra:                s.Extra.without("space_scope_references"),
	}
}

func (in CreateSpaceInput) check() error {
	if err := checkSpace(in.Name, in.SpaceScopeReferences); err != nil {
		return err
	}
	return checkSpaceMembers("in.Members", in.Members)
}

func (in UpdateSpaceInput) check() error { return checkSpace(in.Name, in.SpaceScopeReferences) }

func (in setSpaceMembersInput) check() error { return checkSpaceMembers("members", in.Members) }

func (in SpaceMemberRolesInput) check() error {
	return notEmpty("in.IdentityType", string(in.IdentityType))
}

func checkSpace(name string, scopes []string) error {
	if n := utf8.RuneCountInString(name); n < minSpaceName || n > maxSpaceName {
		return &ArgumentError{Arg: "in.Name", Reason: fmt.Sprintf("must have %d to %d characters, not %d", minSpaceName, maxSpaceName, n)}
	}
	for i, scope := range scopes {
		if err := notEmpty(fmt.Sprintf("in.SpaceScopeReferences[%d]", i), scope); err != nil {
			return err
		}
	}
	return nil
}

func checkSpaceMembers(arg string, members []SpaceMemberInput) error {
	for i, member := range members {
		if err := notEmpty(fmt.Sprintf("%s[%d].IdentityReference", arg, i), member.IdentityReference); err != nil {
			return err
		}
		if err := notEmpty(fmt.Sprintf("%s[%d].IdentityType", arg, i), string(member.IdentityType)); err != nil {
			return err
		}
	}
	return nil
}
