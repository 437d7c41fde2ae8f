// A login link carries its code behind `#`, where browsers keep it to themselves. Move it into the form and send that.
const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("code").value = code;
  document.getElementById("enter").submit();
}
