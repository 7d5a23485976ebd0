package apono

import (
	"context"
	"iter"
	"net/http"

	"github.com/apono-go/apono/internal/operation"
)

// GroupsService manages groups and their members. Groups of identity providers
// are listed too; whether they can be changed is not documented.
//
// API section: Groups.
type GroupsService struct{ client *Client }

var (
	listGroups       = operation.New("Groups.List", http.MethodGet, "/api/admin/v1/groups")
	getGroup         = operation.New("Groups.Get", http.MethodGet, "/api/admin/v1/groups/{id}")
	createGroup      = operation.New("Groups.Create", http.MethodPost, "/api/admin/v1/groups")
	deleteGroup      = operation.New("Groups.Delete", http.MethodDelete, "/api/admin/v1/groups/{id}")
	renameGroup      = operation.New("Groups.Rename", http.MethodPut, "/api/admin/v1/groups/{id}/name")
	listGroupMembers = operation.New("Groups.ListMembers", http.MethodGet, "/api/admin/v1/groups/{id}/members").Identified("email")
	setGroupMembers  = operation.New("Groups.SetMembers", http.MethodPut, "/api/admin/v1/groups/{id}/members")
	addGroupMember   = operation.New("Groups.AddMember", http.MethodPut, "/api/admin/v1/groups/{id}/members/{email}")
	removeMember     = operation.New("Groups.RemoveMember", http.MethodDelete, "/api/admin/v1/groups/{id}/members/{email}")
)

// Group is a set of users.
type Group struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// SourceID is the ID in the system that the group comes from.
	SourceID *string `json:"source_id,omitzero"`
	// SourceIntegrationID is nil for groups that are managed in Apono.
	SourceIntegrationID   *string `json:"source_integration_id,omitzero"`
	SourceIntegrationName *string `json:"source_integration_name,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// GroupMember is a member of a group.
type GroupMember struct {
	Email string `json:"email"`

	Extra Extra `json:",embed,inline"`
}

// ListGroupsOptions filters and pages a list of groups.
type ListGroupsOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
	// Name is case-insensitive and may begin or end with "*", as in "prod*".
	Name string `url:"name,omitempty"`
}

// ListGroupMembersOptions pages a list of members.
type ListGroupMembersOptions struct {
	PageToken string `url:"page_token,omitempty"`
	Limit     int    `url:"limit,omitempty"`
}

// CreateGroupInput is a new group.
type CreateGroupInput struct {
	// Name is unique among the groups that are managed in Apono.
	Name          string   `json:"name"`
	MembersEmails []string `json:"members_emails"`
}

type renameGroupInput struct {
	Name string `json:"name"`
}

type setMembersInput struct {
	MembersEmails []string `json:"members_emails"`
}

// List returns a page of groups.
//
// GET /api/admin/v1/groups
func (s *GroupsService) List(ctx context.Context, opts ...ListGroupsOptions) (*Page[Group], error) {
	return list[Group](ctx, s.client, listGroups, opts)
}

// ListAll returns an iterator over all groups.
//
// GET /api/admin/v1/groups
func (s *GroupsService) ListAll(ctx context.Context, opts ...ListGroupsOptions) iter.Seq2[*Group, error] {
	return listAll[Group](ctx, s.client, listGroups, opts)
}

// Get returns the group with the given ID, or [ErrNotFound].
//
// GET /api/admin/v1/groups/{id}
func (s *GroupsService) Get(ctx context.Context, id string) (*Group, error) {
	return decode[Group](s.client.call(ctx, getGroup, nil, id))
}

// GetByName returns the group with the given name, or [ErrNotFound] or [ErrAmbiguous].
//
// GET /api/admin/v1/groups
func (s *GroupsService) GetByName(ctx context.Context, name string) (*Group, error) {
	return byName(name, s.ListAll(ctx, ListGroupsOptions{Name: name}), func(o *Group) (string, string) { return o.ID, o.Name })
}

// Create creates a group.
//
// POST /api/admin/v1/groups
func (s *GroupsService) Create(ctx context.Context, in CreateGroupInput) (*Group, error) {
	return decode[Group](s.client.call(ctx, createGroup, in))
}

// Delete deletes a group, or returns [ErrNotFound].
//
// DELETE /api/admin/v1/groups/{id}
func (s *GroupsService) Delete(ctx context.Context, id string) error {
	return confirm(s.client.call(ctx, deleteGroup, nil, id))
}

// Rename renames a group, or returns [ErrNotFound].
//
// PUT /api/admin/v1/groups/{id}/name
func (s *GroupsService) Rename(ctx context.Context, id, name string) (*Group, error) {
	return decode[Group](s.client.call(ctx, renameGroup, renameGroupInput{name}, id))
}

// ListMembers returns a page of the members of a group.
//
// GET /api/admin/v1/groups/{id}/members
func (s *GroupsService) ListMembers(ctx context.Context, id string, opts ...ListGroupMembersOptions) (*Page[GroupMember], error) {
	return list[GroupMember](ctx, s.client, listGroupMembers, opts, id)
}

// ListAllMembers returns an iterator over the members of a group.
//
// GET /api/admin/v1/groups/{id}/members
func (s *GroupsService) ListAllMembers(ctx context.Context, id string, opts ...ListGroupMembersOptions) iter.Seq2[*GroupMember, error] {
	return listAll[GroupMember](ctx, s.client, listGroupMembers, opts, id)
}

// SetMembers replaces all members of a group. An empty list, nil included,
// removes all of them.
//
// PUT /api/admin/v1/groups/{id}/members
func (s *GroupsService) SetMembers(ctx context.Context, id string, emails []string) error {
	return confirm(s.client.call(ctx, setGroupMembers, setMembersInput{emails}, id))
}

// AddMember adds a member to a group.
//
// PUT /api/admin/v1/groups/{id}/members/{email}
func (s *GroupsService) AddMember(ctx context.Context, id, email string) error {
	return confirm(s.client.call(ctx, addGroupMember, nil, id, email))
}

// RemoveMember removes a member from a group.
//
// DELETE /api/admin/v1/groups/{id}/members/{email}
func (s *GroupsService) RemoveMember(ctx context.Context, id, email string) error {
	return confirm(s.client.call(ctx, removeMember, nil, id, email))
}
