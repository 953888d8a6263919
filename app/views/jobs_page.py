"""The page of a background job: progress, cancel, result."""
from pathlib import Path

from flask import abort, current_app, jsonify, redirect, render_template, request, send_file
from flask_appbuilder import expose

from app.core import jobs
from app.core.changes import Batch
from app.core.database import writing
from app.core.jobs import Job

from .guard import granted
from .page import Page


class JobPage(Page):
    """One's own jobs."""

    route_base = "/job"
    home = "/job/"
    default_view = "show"

    def _job(self, job_id) -> Job:
        job = self.fetch(Job, job_id)
        return job if job.owner_id == self.who.id or self.who.may("job", "read") else abort(404)

    @expose("/<int:job_id>")
    @granted("")
    def show(self, job_id):
        """Progress as a page, or as JSON for the script."""
        job = self._job(job_id)
        if request.accept_mimetypes.best == "application/json":
            return jsonify(state=job.state, done=jobs.done_of(self.session, job), total=job.total, result=job.result)
        if job.kind.startswith("import") and job.state not in ("queued", "running") and (job.kind, job.state) != ("import_undo", "failed"):
            return redirect(f"/import/{job.params['run_id']}")
        if job.state == "done" and (job.result or {}).get("url"):
            return redirect(job.result["url"])
        batch = self.session.get(Batch, (job.result or {}).get("batch") or 0)
        return render_template("parts/job.html", job=job, done=jobs.done_of(self.session, job),
                               undone=batch is None or batch.undone_at)

    @expose("/<int:job_id>/cancel", methods=["POST"])
    @granted("")
    def cancel(self, job_id):
        """Ask it to stop."""
        if not jobs.cancel_aside(self.session, self._job(job_id)):
            self.session.rollback()  # a request that has only read so far (`READS_FIRST`)
            writing.set(True)
            jobs.cancel(self.session, self._job(job_id))
            self.session.commit()
        return redirect(f"/job/{job_id}")

    @expose("/<int:job_id>/file")
    @granted("")
    def file(self, job_id):
        """The file that an export has made; only for who asked for it."""
        job = self._job(job_id)
        if job.owner_id != self.who.id or not (job.result or {}).get("file"):
            abort(404)
        place = Path(current_app.config["CRM_UPLOAD_DIR"]) / "exports" / Path(job.result["file"]).name
        return send_file(place, as_attachment=True, download_name=job.result["name"])
