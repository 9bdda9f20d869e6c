"""Django admin as a tenant's own: its admins configure adapters there, and see no other tenant's rows."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class TenantAdmin(AdminConfig):
    """`django.contrib.admin` with the site of conductor.tenancy.admin.site."""

    default_site = "conductor.tenancy.admin.site.TenantAdminSite"
