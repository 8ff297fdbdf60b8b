from django.urls import path

from gifts import views

app_name = "gifts"

urlpatterns = [
    path("gifts/", views.catalogue, name="catalogue"),
    path("@<str:handle>/", views.creator, name="creator"),
    path("@<str:handle>/feed/", views.feed, name="feed"),
    path("@<str:handle>/gifts/", views.send, name="send"),
]
