"""A tenant's adapters on its admin pages: connect, change, test, disable, remove. Every change is a verb's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import Count, Max, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from adapters import registry
from adapters.configuration.admin_forms import AdapterForm
from adapters.configuration.lifecycle import configure_adapter, remove_adapter, switch_adapter, try_adapter
from adapters.configuration.test_limits import TestsRunning, one_test
from adapters.models.adapter import AdapterConfig, Delivery, NotaryRecord, Secret
from adapters.models.breaker import Breaker
from adapters.models.ticket import Ticket
from adapters.notaries import policy_admin as _notary_policy_admin  # noqa: F401 - registers itself
from adapters.ports.protocols import Port
from conductor.console.refusals.errors import refusal
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor, require

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[AdapterConfig]
else:
    ModelAdmin = admin.ModelAdmin

View = Callable[..., HttpResponse]
FOLDER = "admin/adapters/adapterconfig"
PERMISSION = "manage_adapters"
PORTS = {
    Port.NOTIFICATION: "Notices: tell people and programs",
    Port.NOTARY: "Notaries: have somebody vouch for a time",
    Port.BACKUP: "Backup sources: prove that they can be restored",
    Port.METRICS: "Measures: how a service behaved",
    Port.TICKETING: "Trackers: where your people keep their tickets",
}


def _door(view: View) -> View:
    """Let in who may manage the active tenant's adapters; explain refusals as the console's pages do."""

    @wraps(view)
    def through(self: AdapterConfigAdmin, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            require(actor=_actor(request), permission=PERMISSION)
            return view(self, request, *args, **kwargs)
        except Refused as refused:
            return refusal(request, refused)

    return through


@admin.register(AdapterConfig)
class AdapterConfigAdmin(ModelAdmin):
    """The pages. Django's own add, change and delete are replaced, so that none of them can save a row bare."""

    def _holds(self, request: HttpRequest) -> bool:
        actor: Actor | None = getattr(request, "actor", None)
        return actor is not None and PERMISSION in actor.permissions

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._holds(request)

    def has_view_permission(self, request: HttpRequest, obj: AdapterConfig | None = None) -> bool:
        return self._holds(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._holds(request)

    def has_change_permission(self, request: HttpRequest, obj: AdapterConfig | None = None) -> bool:
        return self._holds(request)

    def has_delete_permission(self, request: HttpRequest, obj: AdapterConfig | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        verbs = {"test": self.test_view, "switch": self.switch_view, "remove": self.remove_view}
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"adapters_adapterconfig_{name}")
            for name, view in verbs.items()
        ]
        return [*own, *super().get_urls()]

    # Pages -----------------------------------------------------------------------------------------
    @_door
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self._page(request, "change_list", title="Adapters", rows=_rows())

    @_door
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the kind, then its form."""
        kind = request.GET.get("kind", "")
        if kind not in registry.KINDS:
            ports = [(words, registry.kinds_of(port).items()) for port, words in PORTS.items()]
            return self._page(request, "choose_kind", title="Connect an adapter", ports=ports)
        form = AdapterForm(request.POST or None, kind=kind)
        saved = _save(request, form) if request.method == "POST" else None
        if saved is not None:
            messages.success(request, f"{saved.name} is connected. Test it before you rely on it.")
            return redirect("admin:adapters_adapterconfig_change", saved.id)
        return self._form_page(request, form, title=f"Connect {registry.KINDS[kind].label}")

    @_door
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        adapter = _adapter(object_id)
        if adapter.kind not in registry.KINDS:
            return self._page(request, "change_form", title=adapter.name, adapter=adapter, form=None)
        form = AdapterForm(request.POST or None, kind=adapter.kind, adapter=adapter)
        if request.method == "POST" and _save(request, form) is not None:
            messages.success(request, "Saved. The last test no longer counts.")
            return redirect("admin:adapters_adapterconfig_change", adapter.id)
        return self._form_page(request, form, adapter=adapter, title=adapter.name)

    # Verbs -----------------------------------------------------------------------------------------
    @_door
    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Use the adapter once and say in place how it went."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        adapter = _adapter(object_id)
        tried: dict[str, Any] = {"tried": True}
        status = 200
        try:
            with one_test(adapter.tenant_id):
                adapter = try_adapter(adapter=adapter, actor=_actor(request), now=now())
        except TestsRunning as refused:
            tried, status = {"not_begun": refused.detail}, refused.status
        if getattr(request, "htmx", False):  # htmx swaps in what is not an error
            return TemplateResponse(request, f"{FOLDER}/_test.html", {"adapter": adapter, **tried})
        form = AdapterForm(kind=adapter.kind, adapter=adapter) if adapter.kind in registry.KINDS else None
        return self._form_page(request, form, adapter=adapter, title=adapter.name, status=status, **tried)

    @_door
    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable, or disable if the name was typed."""
        return self._after_typing(request, object_id, verb="switch")

    @_door
    def remove_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Remove, if the name was typed."""
        return self._after_typing(request, object_id, verb="remove")

    def _after_typing(self, request: HttpRequest, object_id: str, *, verb: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        adapter = _adapter(object_id)
        enable = verb == "switch" and request.POST.get("enabled") == "1"
        if not enable and request.POST.get("typed", "").strip() != adapter.name:
            form = AdapterForm(kind=adapter.kind, adapter=adapter) if adapter.kind in registry.KINDS else None
            mistyped = {verb: f"Type {adapter.name} exactly as it is written here. Nothing was changed."}
            return self._form_page(request, form, adapter=adapter, title=adapter.name, status=422, mistyped=mistyped)
        if verb == "remove":
            remove_adapter(adapter=adapter, actor=_actor(request), now=now())
            messages.success(request, f"{adapter.name} and its secrets are removed.")
            return redirect("admin:adapters_adapterconfig_changelist")
        switch_adapter(adapter=adapter, enabled=enable, actor=_actor(request), now=now())
        messages.success(request, f"{adapter.name} is {'enabled' if enable else 'disabled'}.")
        return redirect("admin:adapters_adapterconfig_change", adapter.id)

    def _form_page(
        self,
        request: HttpRequest,
        form: AdapterForm | None,
        *,
        adapter: AdapterConfig | None = None,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        kind = registry.KINDS.get(form.kind) if form else None
        in_use = adapter is not None and _in_use(adapter)
        complained = 422 if form is not None and form.errors else status
        context |= {"form": form, "adapter": adapter, "kind": kind, "in_use": in_use}
        return self._page(request, "change_form", status=complained, **context)

    def _page(self, request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        # Not the site's each_context: its list of all pages costs two queries and is not shown here.
        context = {"site_title": self.admin_site.site_title, "opts": self.opts, **context}
        return TemplateResponse(request, f"{FOLDER}/{template}.html", context, status=status)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _adapter(object_id: str) -> AdapterConfig:
    """Return the active tenant's adapter; another tenant's is not there."""
    try:
        return AdapterConfig.objects.select_related("environment").get(id=UUID(unquote(object_id)))
    except (ValueError, AdapterConfig.DoesNotExist):
        raise Http404("no such adapter") from None


def _save(request: HttpRequest, form: AdapterForm) -> AdapterConfig | None:
    """Call the verbs; None, with the complaints beside the fields, if they refuse."""
    if not form.is_valid():
        return None
    told: dict[str, Any] = {"actor": _actor(request), "now": now()}
    try:
        with transaction.atomic():
            saved = configure_adapter(
                tenant_id=request.tenant.id,  # type: ignore[attr-defined]
                kind=form.kind,
                name=form.cleaned_data["name"],
                environment=form.cleaned_data["environment"],
                settings=form.settings(),
                secrets=form.secrets(),
                forget=form.forgotten(),
                adapter=form.adapter,
                **told,
            )
    except Refused as refused:
        form.explain(refused)
        if form.adapter is not None:
            form.adapter.refresh_from_db()
        return None
    return saved


def _rows() -> list[dict[str, Any]]:
    """Return every adapter with its last use, secrets and breaker, in three queries however many there are."""
    secrets: dict[UUID, list[Secret]] = {}
    for secret in Secret.objects.defer("sealed").order_by("set_at"):
        secrets.setdefault(secret.adapter_id, []).append(secret)
    left_alone = {each.adapter_id: each for each in Breaker.objects.exclude(opened_at=None)}
    adapters = AdapterConfig.objects.select_related("environment").annotate(
        sent_at=_newest(Delivery, "sent_at"),
        vouched_at=_newest(NotaryRecord, "verified_at"),
        synced_at=_newest(Ticket, "synced_at"),
        backlog=_pending(),
    )
    return [
        {
            "adapter": each,
            "kind": registry.KINDS.get(each.kind),
            "used_at": each.sent_at or each.vouched_at or each.synced_at,
            "secrets": secrets.get(each.id, []),
            "breaker": left_alone.get(each.id),
        }
        for each in adapters.order_by("port", "name")
    ]


def _newest(model: type[Delivery | NotaryRecord | Ticket], moment: str) -> Subquery:
    """Return the newest `moment` among the adapter's rows, to be read with the adapter."""
    rows = model.objects.filter(adapter=OuterRef("pk")).order_by().values("adapter")
    return Subquery(rows.annotate(newest=Max(moment)).values("newest"))


def _pending() -> Subquery:
    """Return how many digests the notary has not answered yet, to be read with the adapter."""
    rows = NotaryRecord.objects.filter(adapter=OuterRef("pk"), state=NotaryRecord.State.PENDING)
    return Subquery(rows.order_by().values("adapter").annotate(count=Count("id")).values("count"))


def _in_use(adapter: AdapterConfig) -> bool:
    return any(model.objects.filter(adapter=adapter).exists() for model in (Delivery, NotaryRecord, Ticket))
